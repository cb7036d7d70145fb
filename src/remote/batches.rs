//! Batches: so much is on its way before it is looked at there and written down. Pure.

use crate::backup::offers::Offer;

/// So many files at most are on their way before they are looked at and written down.
const MOST_FILES: usize = 64;
/// And so many bytes, but for one larger file.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// Cuts what is to be done into batches.
pub fn batches<'o, 'a>(mut todo: &'o [&'a Offer]) -> impl Iterator<Item = &'o [&'a Offer]> {
    std::iter::from_fn(move || {
        let mut bytes = 0u64;
        let fits = |offer: &&&Offer| {
            bytes = bytes.saturating_add(offer.content.size);
            bytes <= MOST_BYTES
        };
        let n = todo.iter().take(MOST_FILES).take_while(fits).count().max(1);
        let (batch, rest) = todo.split_at_checked(n)?;
        todo = rest;
        Some(batch)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::offers::offer_of;

    #[test]
    fn batches_hold_all_in_order_and_a_large_file_alone() {
        let sizes = [1, MOST_BYTES, 5, MOST_BYTES * 3, 7];
        let all: Vec<Offer> =
            sizes.iter().enumerate().map(|(n, size)| offer_of("A", n as u128, *size)).collect();
        let todo: Vec<&Offer> = all.iter().collect();
        let cut: Vec<Vec<u64>> = batches(&todo).map(|b| b.iter().map(|o| o.content.size).collect()).collect();
        assert_eq!(cut, [vec![1], vec![MOST_BYTES], vec![5], vec![MOST_BYTES * 3], vec![7]]);
        let many: Vec<Offer> = (0..150).map(|n| offer_of("A", n, 1)).collect();
        let many: Vec<&Offer> = many.iter().collect();
        assert_eq!(batches(&many).map(<[_]>::len).collect::<Vec<_>>(), [64, 64, 22]);
        assert_eq!(batches(&[]).count(), 0);
    }
}
