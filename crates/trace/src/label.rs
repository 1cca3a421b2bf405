use crate::Hash;
use aws_lc_rs::digest::{Context, SHA256};

/// The registry of domain separation labels of this room, beside crypto's: the two stand on one floor, and neither imports the
/// other, so that a log can be verified without an envelope's code. RFC 6962's own prefixes (0x00, 0x01) are in `hash`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Label {
    /// Place of a (kind, id) in the authenticated map.
    MapKey,
    /// Root of the empty map.
    EmptyMap,
    /// A leaf of the map.
    MapLeaf,
    /// An inner node of the map.
    MapNode,
    /// A commitment in a field of a record.
    TraceField,
}

impl Label {
    pub(crate) const fn text(self) -> &'static [u8] {
        match self {
            Label::MapKey => b"sceau/map-key",
            Label::EmptyMap => b"sceau/map-empty",
            Label::MapLeaf => b"sceau/map-leaf",
            Label::MapNode => b"sceau/map-node",
            Label::TraceField => b"sceau/trace-field",
        }
    }
}

/// SHA-256(label ‖ 0x00 ‖ parts…). The parts must be of fixed size or separated by the caller.
pub(crate) fn labelled_hash(label: Label, parts: &[&[u8]]) -> Hash {
    let mut context = Context::new(&SHA256);
    context.update(label.text());
    context.update(&[0]);
    for part in parts {
        context.update(part);
    }
    Hash::from_digest(context.finish())
}
