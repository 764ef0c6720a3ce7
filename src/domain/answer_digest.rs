//! Digests of answers: whether one is the same as another, without reading or keeping both.

use sha2::{Digest as _, Sha256};

use super::observation::Item;

/// SHA-256 of an answer. Equal digests are taken for equal answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AnswerDigest([u8; 32]);

impl AnswerDigest {
    /// Bytes of a digest.
    pub const BYTES: usize = 32;

    /// Of the bytes of one body.
    #[must_use]
    pub fn of_body(body: &[u8]) -> Self {
        Self(Sha256::digest(body).into())
    }

    /// Of what an answer says, wherever its items stand: the same for the same items in another order or on other pages,
    /// another as soon as one documented field of one item is another. `items` are those of all pages.
    #[must_use]
    pub fn of_items(items: &[Item]) -> Self {
        let mut written = Vec::new();
        let mut hashes: Vec<[u8; 32]> = items
            .iter()
            .map(|item| {
                written.clear();
                write_item(item, &mut written);
                Sha256::digest(&written).into()
            })
            .collect();
        hashes.sort_unstable();
        Self::of_body(hashes.as_flattened())
    }

    /// A digest as a row holds it.
    #[must_use]
    pub fn stored(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The digest for a row.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The fields one after the other. Each says whether it is there and how long it is, so that nothing moves from one into the
/// next and an absent one is not an empty one.
fn write_item(item: &Item, written: &mut Vec<u8>) {
    let Item {
        organ,
        effective_time,
        business_id,
        issuing_certificate_time,
        kind,
        certificate_num,
        qualification_name,
    } = item;
    for field in [
        organ,
        effective_time,
        business_id,
        issuing_certificate_time,
        kind,
        certificate_num,
        qualification_name,
    ] {
        match field {
            None => written.push(0),
            Some(text) => {
                written.push(1);
                written.extend_from_slice(&(text.len() as u64).to_be_bytes());
                written.extend_from_slice(text.as_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FIELDS: usize = 7;

    fn item(fields: [Option<String>; FIELDS]) -> Item {
        let [
            organ,
            effective_time,
            business_id,
            issuing_certificate_time,
            kind,
            certificate_num,
            qualification_name,
        ] = fields;
        Item {
            organ,
            effective_time,
            business_id,
            issuing_certificate_time,
            kind,
            certificate_num,
            qualification_name,
        }
    }

    fn field_of(item: &mut Item, index: usize) -> &mut Option<String> {
        match index {
            0 => &mut item.organ,
            1 => &mut item.effective_time,
            2 => &mut item.business_id,
            3 => &mut item.issuing_certificate_time,
            4 => &mut item.kind,
            5 => &mut item.certificate_num,
            _ => &mut item.qualification_name,
        }
    }

    /// Items of few letters, so that many fields and items are alike.
    fn items() -> impl Strategy<Value = Vec<Item>> {
        let field = prop::option::of("[甲a]{0,2}");
        prop::collection::vec(prop::array::uniform7(field).prop_map(item), 0..6)
    }

    fn sorted(items: &[Item]) -> Vec<String> {
        let mut sorted: Vec<String> = items.iter().map(|item| format!("{item:?}")).collect();
        sorted.sort();
        sorted
    }

    proptest! {
        #[test]
        fn only_what_the_items_say_counts_and_not_where_they_stand(one in items(), other in items()) {
            let is_same = AnswerDigest::of_items(&one) == AnswerDigest::of_items(&other);
            prop_assert_eq!(is_same, sorted(&one) == sorted(&other));
        }

        #[test]
        fn another_order_is_the_same_answer((before, after) in items().prop_flat_map(|items| (Just(items.clone()), Just(items).prop_shuffle()))) {
            prop_assert_eq!(AnswerDigest::of_items(&before), AnswerDigest::of_items(&after));
        }

        #[test]
        fn any_other_field_is_another_answer(
            mut items in items(),
            at in any::<prop::sample::Index>(),
            field in 0..FIELDS,
            new in prop::option::of("[甲a]{0,2}"),
        ) {
            prop_assume!(!items.is_empty());
            let before = AnswerDigest::of_items(&items);
            let at = at.index(items.len());
            let old = std::mem::replace(field_of(&mut items[at], field), new.clone());
            prop_assert_eq!(AnswerDigest::of_items(&items) == before, old == new);
        }

        #[test]
        fn an_item_more_or_less_is_another_answer(mut items in items(), at in any::<prop::sample::Index>()) {
            prop_assume!(!items.is_empty());
            let before = AnswerDigest::of_items(&items);
            items.push(items[at.index(items.len())].clone());
            prop_assert_ne!(AnswerDigest::of_items(&items), before, "even where it is there already");
        }

        #[test]
        fn text_does_not_move_from_one_field_into_the_next(text in "\\PC{2,8}", cut in 0..8_usize, field in 0..FIELDS - 1) {
            let cut = text.char_indices().map(|(at, _)| at).nth(cut).unwrap_or(text.len());
            let with = |first: &str, second: &str| {
                let mut item = Item::default();
                *field_of(&mut item, field) = Some(first.to_owned());
                *field_of(&mut item, field + 1) = Some(second.to_owned());
                AnswerDigest::of_items(&[item])
            };
            prop_assert_eq!(with(&text, "") == with(&text[..cut], &text[cut..]), cut == text.len());
        }
    }

    #[test]
    fn an_absent_field_is_not_an_empty_one() {
        let empty = Item { organ: Some(String::new()), ..Item::default() };
        assert_ne!(AnswerDigest::of_items(&[empty]), AnswerDigest::of_items(&[Item::default()]));
    }

    #[test]
    fn a_body_is_told_by_its_bytes() {
        let of = |body: &str| AnswerDigest::of_body(body.as_bytes());
        assert_eq!(of(r#"{"a":1}"#), of(r#"{"a":1}"#));
        assert_ne!(of(r#"{"a":1}"#), of(r#"{"a": 1}"#));
        assert_eq!(AnswerDigest::stored(*of("a").as_bytes()), of("a"));
    }
}
