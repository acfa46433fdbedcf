//! Consumer groups: consumers that share the work of processing events.

mod settings;

pub use settings::{
    ACK_TIMEOUT_MAX, ACK_TIMEOUT_MIN, ATTEMPTS_MAX, GroupSettings, Mode, PERMITS_MAX, RETRY_DELAY_CEILING,
    RETRY_DELAY_MAX, SettingsError,
};
