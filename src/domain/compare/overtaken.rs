//! What was told at its first look, and then something else was seen in its place: several values of one field may wait to
//! be taken back, or be remembered because they were.

use super::differences::is_same;
use crate::domain::holding::HoldingKey;
use crate::domain::snapshot::{Doubt, Field, Snapshot};

/// How much that was taken back is remembered of one field: an upstream may show another end every day.
const REMEMBERED: usize = 8;

/// The places of what was overtaken of a field, the oldest first.
pub(super) fn places(snapshot: &Snapshot, key: &HoldingKey, field: Field) -> Vec<Field> {
    let (Some(first), Some(last)) = (field.overtaken(0), field.overtaken(u8::MAX)) else {
        return Vec::new();
    };
    let slots = snapshot.doubts.range((key.clone(), first)..=(key.clone(), last));
    slots.map(|((_, place), _)| *place).collect()
}

/// Takes out what was overtaken of a field, the oldest first.
pub(super) fn take(snapshot: &mut Snapshot, key: &HoldingKey, field: Field) -> Vec<Doubt> {
    let places = places(snapshot, key, field);
    places.into_iter().filter_map(|place| snapshot.doubts.remove(&(key.clone(), place))).collect()
}

/// Puts it back, without the oldest of what was taken back where that is too much.
pub(super) fn put_aside(snapshot: &mut Snapshot, key: &HoldingKey, field: Field, mut overtaken: Vec<Doubt>) {
    let taken_back = overtaken.iter().filter(|doubt| doubt.told_as.is_none()).count();
    let mut too_many = taken_back.saturating_sub(REMEMBERED);
    overtaken.retain(|doubt| {
        let is_forgotten = doubt.told_as.is_none() && too_many > 0;
        too_many -= usize::from(is_forgotten);
        !is_forgotten
    });
    let places = (0..=u8::MAX).map_while(|place| field.overtaken(place));
    snapshot.doubts.extend(places.zip(overtaken).map(|(place, doubt)| ((key.clone(), place), doubt)));
}

/// Where a doubt that comes from another place belongs: what was overtaken goes beside what else was, or in place of the same.
pub(super) fn place_of(
    snapshot: &Snapshot,
    (key, field): (HoldingKey, Field),
    doubt: &Doubt,
) -> (HoldingKey, Field) {
    let of = match field {
        Field::GradeOvertaken(_) => Field::Grade,
        Field::EndOvertaken(_) => Field::End,
        Field::Presence | Field::Grade | Field::End | Field::Issued => return (key, field),
    };
    let is_free = |place: &Field| {
        let other = snapshot.doubts.get(&(key.clone(), *place));
        other.is_none_or(|other| is_same(&other.difference, &doubt.difference))
    };
    let place = (0..=u8::MAX).filter_map(|place| of.overtaken(place)).find(is_free);
    (key, place.unwrap_or(field))
}
