//! Parts open in any order, and give what a reader from the start gets.

use sceau_crypto::envelope::{OpenError, OpenedHeader, PART, SealError, StreamLayout, UnverifiedHeader};

use crate::support::{FIRST, OTHER, XWING, metadata, public, sealed, text};

fn opened(envelope: &[u8]) -> (OpenedHeader, Vec<Vec<u8>>) {
    let (header, stream) = UnverifiedHeader::parse_prefix(envelope).unwrap();
    (header.unlock(&XWING).unwrap(), stream.chunks(PART).map(<[u8]>::to_vec).collect())
}

#[test]
fn parts_open_in_any_order() {
    for size in [0, 1, FIRST, FIRST + 1, FIRST + OTHER, FIRST + OTHER + 7] {
        let text = text(size);
        let (header, parts) = opened(&sealed(&text, &[&XWING]));
        let layout = StreamLayout::of_stream(parts.concat().len() as u64).unwrap();
        assert_eq!((layout.plaintext(), layout.parts()), (size as u64, parts.len() as u64));
        let opener = header.opener(&parts[0]).unwrap();
        for index in (0..parts.len() as u32).rev() {
            let mut part = parts[index as usize].clone();
            let range = layout.plaintext_range(index);
            let plain = opener.open_part(index, layout.is_last(index), &mut part).unwrap();
            assert!(plain == &text[range.start as usize..range.end as usize], "part {index} of {size}");
        }
    }
}

#[test]
fn a_part_opens_in_its_own_place_only() {
    let (header, parts) = opened(&sealed(&text(FIRST + OTHER + OTHER), &[&XWING]));
    let opener = header.opener(&parts[0]).unwrap();
    let open = |index: u32, last: bool, part: usize| {
        let mut part = parts[part].clone();
        opener.open_part(index, last, &mut part).map(|_| ())
    };
    assert_eq!(open(1, false, 1), Ok(()));
    assert_eq!(open(1, true, 1), Err(OpenError::Segment { index: 1 }));
    assert_eq!(open(2, false, 1), Err(OpenError::Segment { index: 2 }));
    assert_eq!(open(2, false, 2), Err(OpenError::Segment { index: 2 }));
    assert_eq!(open(2, true, 2), Ok(()));
    assert_eq!(open(0, true, 0), Err(OpenError::Segment { index: 0 }));
    assert_eq!(open(0, false, 1), Err(OpenError::StreamHeader));
}

#[test]
fn parts_of_impossible_sizes_are_refused() {
    let (header, parts) = opened(&sealed(&text(FIRST + 5), &[&XWING]));
    let opener = header.opener(&parts[0]).unwrap();
    let open =
        |index: u32, last: bool, mut part: Vec<u8>| opener.open_part(index, last, &mut part).map(|_| ());
    assert_eq!(open(1, true, vec![0; PART + 1]), Err(OpenError::StreamTooLong));
    assert_eq!(open(1, false, vec![0; PART - 1]), Err(OpenError::StreamTruncated));
    for length in [0, 15, 16] {
        assert_eq!(open(1, true, vec![0; length]), Err(OpenError::StreamTruncated));
    }
    assert_eq!(open(0, true, vec![0; 39]), Err(OpenError::StreamTruncated));
    assert_eq!(header.opener(&[40; 39]).map(|_| ()), Err(OpenError::StreamTruncated));
    assert_eq!(header.opener(&[41; 40]).map(|_| ()), Err(OpenError::StreamHeader));
}

#[test]
fn segments_are_sealed_in_order_and_once() {
    let new = || sceau_crypto::envelope::NewEnvelope::create(metadata(), &public(&[&XWING])).unwrap();
    let mut sealer = new().sealer;
    assert_eq!(sealer.segment_size(), FIRST);
    assert_eq!(sealer.seal_segment(&mut [0; 3], false), Err(SealError::SegmentSize));
    assert_eq!(sealer.seal_segment(&mut vec![0; FIRST + 1], true), Err(SealError::SegmentSize));
    assert!(sealer.seal_segment(&mut vec![0; FIRST], false).is_ok());
    assert_eq!(sealer.segment_size(), OTHER);
    assert_eq!(
        sealer.seal_segment(&mut [], true),
        Err(SealError::SegmentSize),
        "no empty last but the first"
    );
    assert!(sealer.seal_segment(&mut [1], true).is_ok());
    assert_eq!(sealer.seal_segment(&mut [1], true), Err(SealError::Finished));

    let mut empty = new();
    let part = empty.sealer.seal_part(&[], true).unwrap();
    assert_eq!(part.len(), 56);
    assert_eq!(&part[..40], empty.sealer.stream_header());
}
