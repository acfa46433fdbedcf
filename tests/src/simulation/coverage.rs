//! Counts the paths that a simulation took, so that it shows when a path is no longer taken.

use std::{collections::BTreeMap, fmt, sync::Arc};

use parking_lot::Mutex;

macro_rules! events {
    ($($name:ident,)*) => {
        /// Something that can happen. Each must happen in an ordinary run over all seeds.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[expect(missing_docs, reason = "the names are self-explanatory, and are printed")]
        pub enum Event {
            $($name,)*
        }

        impl Event {
            /// All events.
            pub const ALL: &[Self] = &[$(Self::$name,)*];
        }
    };
}

events! {
    EngineConflictInjected,
    EngineUnavailable,
    EngineOutage,
    EngineTooOld,
    EngineShortPage,
    EngineSlow,
    MaybeCommittedDid,
    MaybeCommittedDidNot,
    MaybeCommittedLateApplied,
    MaybeCommittedLateRefused,
    WatchSpurious,
    WatchSilent,
    WatchFailed,
    ClockBackwards,
    StoresShareAnEngine,
    CommitLostTheRace,
    WindowIndexed,
    AppendForwarded,
    ForwardingLost,
    ForwardingLate,
    ForwardingAnswerLost,
    Append,
    AppendPipelined,
    AppendsLookedUp,
    AppendToMany,
    AppendToManyForwarded,
    AppendWithCondition,
    AppendRejectedByChecks,
    AppendRejectedBeyondHead,
    AppendChunked,
    AppendOfManyEvents,
    AppendAcknowledged,
    AppendAlreadyAppended,
    AppendRejectedByRevision,
    AppendRejectedById,
    AppendRefused,
    AppendUnknown,
    RetryAfterUnknown,
    RetryAfterSuccess,
    RetryInPart,
    RetryThroughAnotherStore,
    ReadLog,
    ReadStream,
    ReadBackwards,
    ReadFiltered,
    ReadLimited,
    ReadBeyondEnd,
    ReadStreamNotFound,
    ReadFailed,
    LookAtStream,
    LookAtList,
    SubscriptionBegan,
    SubscriptionResumed,
    SubscriptionToStream,
    SubscriptionFiltered,
    SubscriptionFromEnd,
    SubscriptionWaitGivenUp,
    NoticeEvents,
    NoticeCaughtUp,
    NoticeFellBehind,
    NoticeCheckpoint,
    StateWritten,
    StateAlreadyWritten,
    StateChecksFailed,
    StateIdConflict,
    StateWriteUnknown,
    StateRetryAfterUnknown,
    StateWriteThroughAnotherStore,
    StateWrittenTwiceAtOnce,
    StateGet,
    StateList,
    StateSubscriptionBegan,
    StateSubscriptionResumed,
    StateSubscriptionExpired,
    StateDeletionDelivered,
    NoticeStateUpdates,
    NoticeStateCaughtUp,
    NoticeStateCheckpoint,
    AppendWithState,
    AppendWithStateAcknowledged,
    AppendWithStateAlreadyAppended,
    AppendWithStateRejected,
    StoreClosed,
    StoreKilled,
    PowerLost,
    StoreOpened,
    OpeningFailed,
}

/// Counts of events. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Coverage(Arc<Mutex<BTreeMap<Event, u64>>>);

impl Coverage {
    /// Counts an event once.
    pub fn count(&self, event: Event) {
        self.add(event, 1);
    }

    /// Counts an event several times.
    pub fn add(&self, event: Event, times: u64) {
        if times > 0 {
            *self.0.lock().entry(event).or_default() += times;
        }
    }

    /// Adds the counts of another run.
    pub fn merge(&self, other: &Self) {
        for (event, times) in other.0.lock().iter() {
            self.add(*event, *times);
        }
    }

    /// The events that never happened.
    #[must_use]
    pub fn missing(&self) -> Vec<Event> {
        let counts = self.0.lock();
        Event::ALL
            .iter()
            .filter(|event| !counts.contains_key(event))
            .copied()
            .collect()
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (event, times) in self.0.lock().iter() {
            writeln!(f, "{times:>12}  {event:?}")?;
        }
        Ok(())
    }
}
