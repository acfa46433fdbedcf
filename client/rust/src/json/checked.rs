//! A wrapper around a serializer that rejects values which JSON can't represent.

use std::fmt::Display;

use serde::ser::{
    Error, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::DEPTH_MAX;

/// Writes a value, all of it through [`Checked`].
pub(super) fn write<T: Serialize + ?Sized, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    Within { value, depth: 0 }.serialize(to)
}

/// Creates an error with a custom text.
pub(crate) fn refusal(problem: impl Display) -> serde_json::Error {
    Error::custom(problem)
}

/// A value with the number of arrays and objects around it.
struct Within<'a, T: ?Sized> {
    value: &'a T,
    depth: u32,
}

impl<T: Serialize + ?Sized> Serialize for Within<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(Checked {
            inner: serializer,
            depth: self.depth,
        })
    }
}

/// A serializer, or one of its compounds, with the number of arrays and objects around the next value.
struct Checked<S> {
    inner: S,
    depth: u32,
}

impl<S> Checked<S> {
    fn within<'a, T: ?Sized>(&self, value: &'a T) -> Within<'a, T> {
        let depth = self.depth;
        Within { value, depth }
    }
}

impl<S: Serializer> Checked<S> {
    fn number(self, finite: bool, number: impl Display) -> Result<Self, S::Error> {
        match finite {
            true => Ok(self),
            false => Err(Error::custom(format_args!(
                "JSON has no number for {number}; store it as text, or as null with an Option"
            ))),
        }
    }

    /// Enters this many arrays or objects.
    fn enter(mut self, levels: u32) -> Result<Self, S::Error> {
        self.depth += levels;
        match self.depth <= DEPTH_MAX {
            true => Ok(self),
            false => Err(Error::custom(format_args!(
                "arrays and objects nested more than {DEPTH_MAX} levels deep can't be read back; store them flat"
            ))),
        }
    }

    fn enter_compound<C>(
        self,
        levels: u32,
        begin: impl FnOnce(S) -> Result<C, S::Error>,
    ) -> Result<Checked<C>, S::Error> {
        let Checked { inner, depth } = self.enter(levels)?;
        let inner = begin(inner)?;
        Ok(Checked { inner, depth })
    }
}

/// The error of a value in a field, which may itself be inside another field.
fn in_field<E: Error>(field: impl Display, error: E) -> E {
    E::custom(format_args!("{field}: {error}"))
}

macro_rules! forward {
    ($($method:ident($($argument:ident: $kind:ty),*)),* $(,)?) => {
        $(fn $method(self, $($argument: $kind),*) -> Result<S::Ok, S::Error> {
            self.inner.$method($($argument),*)
        })*
    };
}

impl<S: Serializer> Serializer for Checked<S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Checked<S::SerializeSeq>;
    type SerializeTuple = Checked<S::SerializeTuple>;
    type SerializeTupleStruct = Checked<S::SerializeTupleStruct>;
    type SerializeTupleVariant = Checked<S::SerializeTupleVariant>;
    type SerializeMap = Checked<S::SerializeMap>;
    type SerializeStruct = Checked<S::SerializeStruct>;
    type SerializeStructVariant = Checked<S::SerializeStructVariant>;

    forward! {
        serialize_bool(value: bool),
        serialize_i8(value: i8),
        serialize_i16(value: i16),
        serialize_i32(value: i32),
        serialize_i64(value: i64),
        serialize_i128(value: i128),
        serialize_u8(value: u8),
        serialize_u16(value: u16),
        serialize_u32(value: u32),
        serialize_u64(value: u64),
        serialize_u128(value: u128),
        serialize_char(value: char),
        serialize_str(value: &str),
        serialize_bytes(value: &[u8]),
        serialize_none(),
        serialize_unit(),
        serialize_unit_struct(name: &'static str),
        serialize_unit_variant(name: &'static str, index: u32, variant: &'static str),
    }

    fn serialize_f32(self, value: f32) -> Result<S::Ok, S::Error> {
        self.number(value.is_finite(), value)?.inner.serialize_f32(value)
    }

    fn serialize_f64(self, value: f64) -> Result<S::Ok, S::Error> {
        self.number(value.is_finite(), value)?.inner.serialize_f64(value)
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.collect_str(value)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        let value = self.within(value);
        self.inner.serialize_some(&value)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let value = self.within(value);
        self.inner.serialize_newtype_struct(name, &value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let entered = self.enter(1)?;
        let value = entered.within(value);
        entered
            .inner
            .serialize_newtype_variant(name, index, variant, &value)
            .map_err(|error| in_field(variant, error))
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        self.enter_compound(1, |inner| inner.serialize_seq(len))
    }

    fn serialize_tuple(self, len: usize) -> Result<Self::SerializeTuple, S::Error> {
        self.enter_compound(1, |inner| inner.serialize_tuple(len))
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleStruct, S::Error> {
        self.enter_compound(1, |inner| inner.serialize_tuple_struct(name, len))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        self.enter_compound(2, |inner| {
            inner.serialize_tuple_variant(name, index, variant, len)
        })
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        self.enter_compound(1, |inner| inner.serialize_map(len))
    }

    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Self::SerializeStruct, S::Error> {
        self.enter_compound(1, |inner| inner.serialize_struct(name, len))
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        self.enter_compound(2, |inner| {
            inner.serialize_struct_variant(name, index, variant, len)
        })
    }
}

macro_rules! elements {
    ($($compound:ident::$method:ident),* $(,)?) => {
        $(impl<S: $compound> $compound for Checked<S> {
            type Ok = S::Ok;
            type Error = S::Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
                let value = self.within(value);
                self.inner.$method(&value)
            }

            fn end(self) -> Result<S::Ok, S::Error> {
                self.inner.end()
            }
        })*
    };
}

elements! {
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field,
}

macro_rules! fields {
    ($($compound:ident),* $(,)?) => {
        $(impl<S: $compound> $compound for Checked<S> {
            type Ok = S::Ok;
            type Error = S::Error;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), S::Error> {
                let value = self.within(value);
                self.inner.serialize_field(key, &value).map_err(|error| in_field(key, error))
            }

            fn skip_field(&mut self, key: &'static str) -> Result<(), S::Error> {
                self.inner.skip_field(key)
            }

            fn end(self) -> Result<S::Ok, S::Error> {
                self.inner.end()
            }
        })*
    };
}

fields!(SerializeStruct, SerializeStructVariant);

impl<S: SerializeMap> SerializeMap for Checked<S> {
    type Ok = S::Ok;
    type Error = S::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), S::Error> {
        let key = self.within(key);
        self.inner.serialize_key(&key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
        let value = self.within(value);
        self.inner.serialize_value(&value)
    }

    fn serialize_entry<K, V>(&mut self, key: &K, value: &V) -> Result<(), S::Error>
    where
        K: Serialize + ?Sized,
        V: Serialize + ?Sized,
    {
        let (named, value) = (self.within(key), self.within(value));
        self.inner.serialize_entry(&named, &value).map_err(|error| {
            match serde_json::to_value(key)
                .ok()
                .as_ref()
                .and_then(serde_json::Value::as_str)
            {
                Some(key) => in_field(key, error),
                None => error,
            }
        })
    }

    fn end(self) -> Result<S::Ok, S::Error> {
        self.inner.end()
    }
}
