use std::time::Duration;

use tokio::time::advance;

use super::{Handing, LOSSES_MAX, SHUN, STINT};

fn losing(rivals: &[&str]) -> Handing {
    let mut handing = Handing::default();
    for rival in rivals {
        handing.saw((*rival).to_owned());
    }
    for _ in 0..LOSSES_MAX {
        handing.lost();
    }
    handing
}

#[tokio::test(start_paused = true)]
async fn who_keeps_losing_hands_over_to_the_first_by_name() {
    let mut handing = losing(&["c", "a", "b"]);
    assert_eq!(handing.target("d").as_deref(), Some("a"));
    assert_eq!(handing.target("b").as_deref(), Some("a"));
    assert_eq!(
        handing.target("").as_deref(),
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
    let mut handing = Handing::default();
    handing.saw("a".to_owned());
    for _ in 0..10 * LOSSES_MAX {
        handing.lost();
        advance(Duration::from_millis(1_500)).await;
    }
    assert_eq!(handing.target("b"), None);
}

#[tokio::test(start_paused = true)]
async fn it_ends_and_begins_again_with_the_next_losses() {
    let mut handing = losing(&["a"]);
    advance(STINT).await;
    assert_eq!(handing.target("b"), None);
    handing.saw("a".to_owned());
    for _ in 0..LOSSES_MAX {
        handing.lost();
    }
    assert_eq!(handing.target("b").as_deref(), Some("a"));
}

#[tokio::test(start_paused = true)]
async fn who_does_not_answer_is_passed_over_for_a_while() {
    let mut handing = losing(&["a", "b"]);
    handing.shun("a".to_owned());
    handing.saw("a".to_owned());
    assert_eq!(handing.target("c").as_deref(), Some("b"));
    advance(SHUN).await;
    assert_eq!(handing.target("c").as_deref(), Some("a"));
}

#[tokio::test(start_paused = true)]
async fn who_was_not_seen_to_write_lately_is_forgotten() {
    let mut handing = losing(&["a"]);
    advance(STINT - Duration::from_millis(1)).await;
    handing.saw("b".to_owned());
    for _ in 0..LOSSES_MAX {
        handing.lost();
    }
    advance(Duration::from_millis(1)).await;
    assert_eq!(handing.target("c").as_deref(), Some("b"));
}
