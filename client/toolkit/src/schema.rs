//! Event types: their names, versions, and conversion of older formats.
//!
//! An enum is a set of event types, one for each variant. Its serde attributes determine how they are stored:
//!
//! ```
//! use annals_toolkit::{DomainEvent, Schema};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
//! #[serde(tag = "type", content = "data", rename_all_fields = "camelCase")]
//! enum OrderEvent {
//!     OrderCreated { customer_id: String, currency: String },
//!     OrderConfirmed {},
//! }
//!
//! impl DomainEvent for OrderEvent {
//!     fn tags(&self) -> Vec<String> {
//!         match self {
//!             OrderEvent::OrderCreated { customer_id, .. } => vec![format!("customer:{customer_id}")],
//!             OrderEvent::OrderConfirmed {} => vec![],
//!         }
//!     }
//!
//!     fn schema(schema: Schema) -> Schema {
//!         schema
//!             .upcast("OrderCreated", 1, |mut data| {
//!                 data["currency"] = "EUR".into();
//!                 data
//!             })
//!             .renamed("OrderAccepted", "OrderConfirmed")
//!     }
//! }
//!
//! let event = OrderEvent::OrderConfirmed {}.encode()?;
//! assert_eq!((event.event_type.as_str(), &event.data[..]), ("OrderConfirmed", &b"{}"[..]));
//! # Ok::<_, annals_toolkit::SchemaError>(())
//! ```
//!
//! 1. The variant's name is the event's type, and its content the data. The names are taken from serde, so they are
//!    written once.
//! 2. The version is stored in the metadata (`schemaVersion`; 1 if absent), so that a query by one type name finds
//!    all versions.
//! 3. Upcasters run on reading, one after the other, up to the current version; stored events never change.

mod names;

use std::any::TypeId;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::{PoisonError, RwLock};

use annals_client::{Event, Position, QueryItem, RecordedEvent, json};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// The key of the version in the metadata; absent for version 1.
pub(crate) const VERSION_KEY: &str = "schemaVersion";

type Upcaster = Box<dyn Fn(Value) -> Value + Send + Sync>;

/// Why an event can't be read or written as one of the types of an enum.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// The type is not one of the enum's. Restrict the query to known types, or add the type.
    #[error("event type {event_type:?} at position {position} is not one of the types of {expected}")]
    UnknownType {
        /// The event's type.
        event_type: String,
        /// The event's position.
        position: Position,
        /// The enum.
        expected: &'static str,
    },
    /// The event was written by a newer program. Update this one.
    #[error(
        "event type {event_type:?} at position {position} has version {version}, \
         but this program supports only up to {known}"
    )]
    NewerVersion {
        /// The event's type.
        event_type: String,
        /// The event's position.
        position: Position,
        /// Its version.
        version: u32,
        /// The latest version that the program supports.
        known: u32,
    },
    /// The data does not match the type. Correct the type, or add an upcaster.
    #[error("event {event_type:?} at position {position} can't be read: {reason}")]
    Unreadable {
        /// The event's type.
        event_type: String,
        /// The event's position.
        position: Position,
        /// The problem with it.
        reason: serde_json::Error,
    },
    /// The value can't be represented in JSON, such as NaN, or a map whose keys are not text. Change the value or the
    /// type.
    #[error("{enum_name} can't be written as an event: {reason}")]
    Unwritable {
        /// The enum.
        enum_name: &'static str,
        /// The problem with it.
        reason: serde_json::Error,
    },
}

/// An enum whose variants are event types, with `#[serde(tag = "type", content = "data")]`. See the [module](self).
pub trait DomainEvent: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Returns the tags of the event: `customer:7`. None by default.
    fn tags(&self) -> Vec<String> {
        Vec::new()
    }

    /// Declares how older formats of the types are read. By default there are none.
    fn schema(schema: Schema) -> Schema {
        schema
    }

    /// Encodes the event to append, with a new id.
    ///
    /// Fails with [`SchemaError::Unwritable`].
    fn encode(&self) -> Result<Event, SchemaError> {
        let types = types_of::<Self>();
        let unwritable = |reason| SchemaError::Unwritable {
            enum_name: types.of,
            reason,
        };
        let written = json::to_vec(self).map_err(unwritable)?;
        let tagged: Tagged<'_> = serde_json::from_slice(&written).map_err(unwritable)?;
        let data = tagged.data.map_or("{}", RawValue::get);
        let mut event = Event::new(tagged.event_type.clone(), data.to_owned());
        event.tags = self.tags();
        match types.version(&tagged.event_type) {
            1 => Ok(event),
            version => Ok(event.with_metadata(format!("{{\"{VERSION_KEY}\":{version}}}"))),
        }
    }

    /// Decodes the event to its current type, from any version.
    ///
    /// Fails with [`SchemaError::UnknownType`], [`SchemaError::NewerVersion`], [`SchemaError::Unreadable`].
    fn decode(event: &RecordedEvent) -> Result<Self, SchemaError> {
        types_of::<Self>().decode(event)
    }

    /// A query for events of all these types, for a projection of them.
    fn query() -> QueryItem {
        let types = types_of::<Self>();
        QueryItem {
            types: types.names.iter().map(|&name| name.to_owned()).collect(),
            ..QueryItem::new()
        }
        .with_old_names(types)
    }

    /// A query for events of some of these types.
    ///
    /// # Panics
    /// If one of the names is not the name of a variant.
    fn query_of<'a>(names: impl IntoIterator<Item = &'a str>) -> QueryItem {
        let types = types_of::<Self>();
        let mut item = QueryItem::new();
        for name in names {
            assert!(types.names.contains(&name), "{} has no type {name:?}", types.of);
            item = item.of_type(name);
        }
        item.with_old_names(types)
    }
}

/// Changes of the event types' formats. See [`DomainEvent::schema`].
pub struct Schema {
    types: Types,
}

impl Schema {
    /// Adds an upcaster that converts the data of a type from version `from` (1 or more) to the next. The current
    /// version of the type is the one after its last upcaster.
    ///
    /// # Panics
    /// If the type is not in the enum, or the versions of its upcasters are not 1, 2, 3…
    #[must_use]
    pub fn upcast(
        mut self,
        name: &'static str,
        from: u32,
        upcaster: impl Fn(Value) -> Value + Send + Sync + 'static,
    ) -> Self {
        assert!(
            self.types.names.contains(&name),
            "{} has no type {name:?}",
            self.types.of
        );
        let upcasters = self.types.upcasters.entry(name).or_default();
        assert_eq!(
            from as usize,
            upcasters.len() + 1,
            "the upcasters of {name:?} must have consecutive versions"
        );
        upcasters.push(Box::new(upcaster));
        self
    }

    /// Declares that events of the type `old` are now called `new`; version numbers continue.
    ///
    /// # Panics
    /// If `new` is not in the enum, or `old` is.
    #[must_use]
    pub fn renamed(mut self, old: &'static str, new: &'static str) -> Self {
        let Types { of, names, .. } = &self.types;
        assert!(names.contains(&new), "{of} has no type {new:?}");
        assert!(!names.contains(&old), "{of} has the type {old:?}");
        self.types.renamed.insert(old, new);
        self
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schema")
            .field("names", &self.types.names)
            .finish_non_exhaustive()
    }
}

/// Information about the types of one enum.
struct Types {
    of: &'static str,
    names: &'static [&'static str],
    /// Upcasters by type: from version 1 to 2, from 2 to 3…
    upcasters: HashMap<&'static str, Vec<Upcaster>>,
    renamed: HashMap<&'static str, &'static str>,
}

/// An event as serde writes it.
#[derive(Deserialize)]
struct Tagged<'a> {
    #[serde(rename = "type")]
    event_type: String,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Versioned {
    #[serde(rename = "schemaVersion")]
    version: Option<u32>,
}

impl Types {
    fn version(&self, name: &str) -> u32 {
        let older = self.upcasters.get(name).map_or(0, Vec::len);
        u32::try_from(older).unwrap_or(u32::MAX).saturating_add(1)
    }

    fn decode<E: DeserializeOwned>(&self, event: &RecordedEvent) -> Result<E, SchemaError> {
        let stored = event.event_type.as_str();
        let name = self.renamed.get(stored).copied().unwrap_or(stored);
        if !self.names.contains(&name) {
            return Err(SchemaError::UnknownType {
                event_type: event.event_type.clone(),
                position: event.position,
                expected: self.of,
            });
        }
        let (version, known) = (version_of(event), self.version(name));
        if version > known {
            return Err(SchemaError::NewerVersion {
                event_type: event.event_type.clone(),
                position: event.position,
                version,
                known,
            });
        }
        self.read(name, version, &event.data)
            .map_err(|reason| SchemaError::Unreadable {
                event_type: event.event_type.clone(),
                position: event.position,
                reason,
            })
    }

    fn read<E: DeserializeOwned>(&self, name: &str, version: u32, data: &[u8]) -> serde_json::Result<E> {
        let stored: &RawValue = serde_json::from_slice(data)?;
        let older = self.upcasters.get(name).map_or(&[][..], Vec::as_slice);
        let older = &older[(version.max(1) as usize - 1).min(older.len())..];
        let data = if older.is_empty() {
            Cow::Borrowed(stored.get())
        } else {
            let stored = serde_json::from_str(stored.get())?;
            let now = older.iter().fold(stored, |data: Value, upcast| upcast(data));
            Cow::Owned(now.to_string())
        };
        let event_type = Value::from(name);
        let read = serde_json::from_str(&format!("{{\"type\":{event_type},\"data\":{data}}}"));
        match read {
            // A variant without fields has no content.
            Err(_) if data.trim() == "{}" => serde_json::from_str(&format!("{{\"type\":{event_type}}}")),
            read => read,
        }
    }
}

fn version_of(event: &RecordedEvent) -> u32 {
    if event.metadata.is_empty() {
        return 1;
    }
    // Metadata is JSON by convention only.
    let said: Option<Versioned> = serde_json::from_slice(&event.metadata).ok();
    said.and_then(|said| said.version).unwrap_or(1)
}

trait WithOldNames {
    fn with_old_names(self, types: &Types) -> Self;
}

impl WithOldNames for QueryItem {
    fn with_old_names(mut self, types: &Types) -> Self {
        let old = types
            .renamed
            .iter()
            .filter(|(_, new)| self.types.iter().any(|name| name == *new));
        let mut old: Vec<String> = old.map(|(&old, _)| old.to_owned()).collect();
        old.sort_unstable();
        self.types.extend(old);
        self
    }
}

/// Returns the information about the types of an enum, computed once and cached for the lifetime of the program.
fn types_of<E: DomainEvent>() -> &'static Types {
    static KNOWN: RwLock<Option<HashMap<TypeId, &'static Types>>> = RwLock::new(None);
    let id = TypeId::of::<E>();
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(types) = known.as_ref().and_then(|known| known.get(&id)) {
        return types;
    }
    drop(known);
    let schema = Schema {
        types: Types {
            of: std::any::type_name::<E>(),
            names: names::of_variants::<E>(),
            upcasters: HashMap::new(),
            renamed: HashMap::new(),
        },
    };
    let types: &'static Types = Box::leak(Box::new(E::schema(schema).types));
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    known.get_or_insert_with(HashMap::new).entry(id).or_insert(types)
}

#[cfg(test)]
mod tests;
