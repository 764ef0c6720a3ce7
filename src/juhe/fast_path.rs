//! An ordinary answer, read straight from its text into a page, without the copies that the lenient reading makes on the way.
//! Whatever is unusual in an answer is left to the other (`body`, `json`); what both read, they read as the same.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};

use super::json::VALUES_MAX;
use crate::domain::observation::{AnswerPage, Item};

/// The page that `body` is, where it is one with `error_code` 0 and nothing unusual about it.
pub(super) fn read(body: &[u8]) -> Option<AnswerPage> {
    // The lenient reading takes NULs out, of names too.
    if may_hold_too_much(body) || memchr::memmem::find(body, br"\u0000").is_some() {
        return None;
    }
    // What is no UTF-8 spoils names, wherever it stands.
    let text = std::str::from_utf8(body).ok()?;
    let Object(answer) = serde_json::from_str::<Object<Answer>>(text).ok()?;
    let Object(found) = Some(answer.result).filter(|_| answer.error_code == 0)?;
    let items = found.items.into_iter().map(|Object(item)| item).collect();
    Some(AnswerPage { total: Some(u64::from(found.total)), items })
}

/// Whether there may be more values than an answer can hold. Signs in texts are counted too: a page has far fewer.
fn may_hold_too_much(body: &[u8]) -> bool {
    let begins_value = |byte: &&u8| matches!(byte, b',' | b'[' | b'{');
    body.len() > VALUES_MAX && body.iter().filter(begins_value).count() > VALUES_MAX
}

/// The outermost object.
#[derive(Deserialize)]
struct Answer {
    error_code: u32,
    result: Object<Found>,
}

/// `result`.
#[derive(Deserialize)]
struct Found {
    total: u32,
    items: Vec<Object<Item>>,
}

/// Reads an object, where a derived struct would take a list, too.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_map(Fields(PhantomData)).map(Self)
    }
}

struct Fields<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(fields))
    }
}
