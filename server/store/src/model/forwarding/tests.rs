use std::time::Duration;

use tokio::time::advance;

use super::{Forwarding, LOSSES_MAX, SHUN, STINT};

fn losing(rivals: &[&str]) -> Forwarding {
    let mut forwarding = Forwarding::default();
    for rival in rivals {
        forwarding.saw((*rival).to_owned());
    }
    for _ in 0..LOSSES_MAX {
        forwarding.lost();
    }
    forwarding
}

#[tokio::test(start_paused = true)]
async fn who_keeps_losing_hands_over_to_the_first_by_name() {
    let mut forwarding = losing(&["c", "a", "b"]);
    assert_eq!(forwarding.target("d").as_deref(), Some("a"));
    assert_eq!(forwarding.target("b").as_deref(), Some("a"));
    assert_eq!(
        forwarding.target("").as_deref(),
        Some("a"),
        "no other server can reach this one"
    );
}

#[tokio::test(start_paused = true)]
async fn the_first_by_name_hands_over_to_nobody() {
    assert_eq!(losing(&["b", "c"]).target("a"), None);
}

#[tokio::test(start_paused = true)]
async fn losing_now_and_then_is_no_reason() {
    let mut forwarding = Forwarding::default();
    forwarding.saw("a".to_owned());
    for _ in 0..10 * LOSSES_MAX {
        forwarding.lost();
        advance(Duration::from_millis(1_500)).await;
    }
    assert_eq!(forwarding.target("b"), None);
}

#[tokio::test(start_paused = true)]
async fn it_ends_and_begins_again_with_the_next_losses() {
    let mut forwarding = losing(&["a"]);
    advance(STINT).await;
    assert_eq!(forwarding.target("b"), None);
    forwarding.saw("a".to_owned());
    for _ in 0..LOSSES_MAX {
        forwarding.lost();
    }
    assert_eq!(forwarding.target("b").as_deref(), Some("a"));
}

#[tokio::test(start_paused = true)]
async fn who_does_not_answer_is_passed_over_for_a_while() {
    let mut forwarding = losing(&["a", "b"]);
    forwarding.shun("a".to_owned());
    forwarding.saw("a".to_owned());
    assert_eq!(forwarding.target("c").as_deref(), Some("b"));
    advance(SHUN).await;
    assert_eq!(forwarding.target("c").as_deref(), Some("a"));
}

#[tokio::test(start_paused = true)]
async fn who_was_not_seen_to_write_lately_is_forgotten() {
    let mut forwarding = losing(&["a"]);
    advance(STINT - Duration::from_millis(1)).await;
    forwarding.saw("b".to_owned());
    for _ in 0..LOSSES_MAX {
        forwarding.lost();
    }
    advance(Duration::from_millis(1)).await;
    assert_eq!(forwarding.target("c").as_deref(), Some("b"));
}
