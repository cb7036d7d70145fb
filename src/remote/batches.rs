//! Batches: so much is on its way before it is looked at there and written down. Pure.

use crate::backup::offers::Offer;

/// So many files at most are on their way before they are looked at and written down.
const MOST_FILES: usize = 64;
/// And so many bytes, but for one larger file.
const MOST_BYTES: u64 = 64 * 1024 * 1024;
/// So many where the remote has no hashes: when the line drops, what is on its way can't be told from half a file later, and all
/// of the batch goes again.
const MOST_UNHASHED: u64 = 8 * 1024 * 1024;

/// Cuts what is to be done into batches.
pub fn batches<'o, 'a>(mut todo: &'o [&'a Offer], has_hashes: bool) -> impl Iterator<Item = &'o [&'a Offer]> {
    let most = if has_hashes { MOST_BYTES } else { MOST_UNHASHED };
    std::iter::from_fn(move || {
        let mut bytes = 0u64;
        let fits = |offer: &&&Offer| {
            bytes = bytes.saturating_add(offer.content.size);
            bytes <= most
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
        let cut: Vec<Vec<u64>> =
            batches(&todo, true).map(|b| b.iter().map(|o| o.content.size).collect()).collect();
        assert_eq!(cut, [vec![1], vec![MOST_BYTES], vec![5], vec![MOST_BYTES * 3], vec![7]]);
        let more = batches(&todo, false).map(<[_]>::len);
        assert!(more.eq([1; 5]), "a large file goes alone there too");
        let many: Vec<Offer> = (0..150).map(|n| offer_of("A", n, 1)).collect();
        let many: Vec<&Offer> = many.iter().collect();
        assert_eq!(batches(&many, true).map(<[_]>::len).collect::<Vec<_>>(), [64, 64, 22]);
        let photos: Vec<Offer> = (0..3).map(|n| offer_of("A", n, MOST_UNHASHED / 2)).collect();
        let photos: Vec<&Offer> = photos.iter().collect();
        assert_eq!(
            batches(&photos, false).map(<[_]>::len).collect::<Vec<_>>(),
            [2, 1],
            "little is lost with the line"
        );
        assert_eq!(batches(&[], true).count(), 0);
    }
}
