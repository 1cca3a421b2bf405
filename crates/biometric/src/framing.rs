//! Whether a file is framed as ONNX is (protobuf), in all that the runtime of models reads of it: what it does with a number that does not end is to read it for ever
//! (`rten-onnx` 0.26), and with messages within messages without an end to run out of its stack.

/// Messages within messages: a graph in an attribute of a node of a graph takes three.
const DEEPEST: usize = 24;

/// Messages that other fields are read of (onnx.proto3).
#[derive(Clone, Copy)]
enum Kind {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    Value,
    Type,
    TensorType,
    Sequence,
    Shape,
    /// Of numbers and texts alone.
    Flat,
}

/// What is in a field that has a length.
enum Within {
    Message(Kind),
    Numbers,
    Bytes,
}

/// Whether all of it can be read to its end.
pub(crate) fn is_model(bytes: &[u8]) -> bool {
    framed(Kind::Model, bytes, DEEPEST).is_some()
}

fn within(kind: Kind, field: u64) -> Within {
    match (kind, field) {
        (Kind::Model, 7) | (Kind::Attribute, 6) => Within::Message(Kind::Graph),
        (Kind::Model, 8 | 14) | (Kind::Tensor, 13) | (Kind::Shape, 1) => Within::Message(Kind::Flat),
        (Kind::Graph, 1) => Within::Message(Kind::Node),
        (Kind::Graph, 5) | (Kind::Attribute, 5) => Within::Message(Kind::Tensor),
        (Kind::Graph, 11..=13) => Within::Message(Kind::Value),
        (Kind::Node, 5) => Within::Message(Kind::Attribute),
        (Kind::Value, 2) | (Kind::Sequence, 1) => Within::Message(Kind::Type),
        (Kind::Type, 1) => Within::Message(Kind::TensorType),
        (Kind::Type, 4) => Within::Message(Kind::Sequence),
        (Kind::TensorType, 2) => Within::Message(Kind::Shape),
        (Kind::Attribute, 8) | (Kind::Tensor, 1 | 5 | 7) => Within::Numbers,
        _ => Within::Bytes,
    }
}

fn framed(kind: Kind, mut rest: &[u8], depth: usize) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    while !rest.is_empty() {
        let (key, after) = number(rest)?;
        rest = match key & 7 {
            0 => number(after)?.1,
            1 => after.split_at_checked(8)?.1,
            2 => {
                let (length, after) = number(after)?;
                let (value, after) = after.split_at_checked(usize::try_from(length).ok()?)?;
                match within(kind, key >> 3) {
                    Within::Message(kind) => framed(kind, value, depth)?,
                    Within::Numbers => numbers(value)?,
                    Within::Bytes => {}
                }
                after
            }
            5 => after.split_at_checked(4)?.1,
            _ => return None,
        };
    }
    Some(())
}

fn numbers(mut rest: &[u8]) -> Option<()> {
    while !rest.is_empty() {
        rest = number(rest)?.1;
    }
    Some(())
}

/// A number of up to 64 bits, and what comes after it.
fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (at, byte) in bytes.iter().enumerate().take(10) {
        if at == 9 && *byte > 1 {
            return None;
        }
        value |= u64::from(byte & 0x7f) << (at * 7);
        if *byte < 0x80 {
            return Some((value, bytes.get(at + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_end_is_none() {
        assert!(is_model(&[]) && is_model(&[8, 8]));
        assert!(!is_model(&[255; 4096]), "a number without an end");
        assert!(!is_model(&[8]) && !is_model(&[8, 128]), "cut off");
        assert!(!is_model(&[0x3a, 5, 0]), "longer than the file");
        assert!(!is_model(&[[0x3a, 12, 0x2a, 10].as_slice(), &[255; 10]].concat()), "within a tensor");
        // What nothing is read of may be anything.
        assert!(is_model(&[[0x12, 10].as_slice(), &[255; 10]].concat()));
        // A graph in an attribute of a node of a graph, and so on.
        let nested = |levels: usize| {
            let keys = [0x32, 0x2a, 0x0a].into_iter().cycle().take(levels * 3).chain([0x3a]);
            keys.fold(Vec::new(), |within, key| {
                [[key, u8::try_from(within.len()).unwrap_or_default()].as_slice(), &within].concat()
            })
        };
        assert!(is_model(&nested(7)) && !is_model(&nested(8)));
    }
}
