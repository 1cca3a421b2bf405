//! A model of faces for tests, made here: ONNX's protobuf written by hand, one multiplication by numbers that are always the same. It knows no face, but tells pictures apart.

/// The side of the pictures that it takes, in pixels.
pub const SIDE: u16 = 8;
/// The numbers that it gives.
pub const NUMBERS: usize = 64;

const PIXELS: usize = SIDE as usize * SIDE as usize * 3;

/// The model's file; another `seed` makes another model.
pub fn onnx(seed: u64) -> Vec<u8> {
    let mut drawn = Drawn(seed);
    let weights: Vec<f32> = (0..PIXELS * NUMBERS).map(|_| drawn.next() as f32 / 128.0 - 1.0).collect();
    shaped(&[1, 3, SIDE.into(), SIDE.into()], PIXELS, NUMBERS, &weights)
}

/// A model whose input has this shape, and whose numbers are these: `rows` by `columns`.
pub fn shaped(input: &[u64], rows: usize, columns: usize, weights: &[f32]) -> Vec<u8> {
    let flatten = [text(1, "picture"), text(2, "flat"), text(4, "Flatten")].concat();
    let multiply = [text(1, "flat"), text(1, "weights"), text(2, "embedding"), text(4, "MatMul")].concat();
    let raw: Vec<u8> = weights.iter().flat_map(|weight| weight.to_le_bytes()).collect();
    let tensor =
        [number(1, rows as u64), number(1, columns as u64), number(2, 1), text(8, "weights"), field(9, &raw)]
            .concat();
    let graph = [
        field(1, &flatten),
        field(1, &multiply),
        text(2, "tiny"),
        field(5, &tensor),
        field(11, &value("picture", input)),
        field(12, &value("embedding", &[1, columns as u64])),
    ]
    .concat();
    [number(1, 8), field(7, &graph), field(8, &[text(1, ""), number(2, 13)].concat())].concat()
}

/// A picture of somebody, as a PPM: two of one person differ by a little noise.
pub fn picture(person: u64, noise: u64) -> Vec<u8> {
    picture_of(SIDE, person, noise)
}

/// The same, of another size.
pub fn picture_of(side: u16, person: u64, noise: u64) -> Vec<u8> {
    let (mut of, mut by) = (Drawn(person.wrapping_mul(7919)), Drawn(noise.wrapping_mul(104_729)));
    let pixels = usize::from(side) * usize::from(side) * 3;
    let mut ppm = format!("P6\n{side} {side}\n255\n").into_bytes();
    ppm.extend((0..pixels).map(|_| (16 + of.next() * 7 / 8).saturating_add(by.next() / 32) as u8));
    ppm
}

fn value(name: &str, shape: &[u64]) -> Vec<u8> {
    let dimensions: Vec<u8> = shape.iter().flat_map(|size| field(1, &number(1, *size))).collect();
    let tensor = [number(1, 1), field(2, &dimensions)].concat();
    [text(1, name), field(2, &field(1, &tensor))].concat()
}

fn text(tag: u64, text: &str) -> Vec<u8> {
    field(tag, text.as_bytes())
}

fn field(tag: u64, bytes: &[u8]) -> Vec<u8> {
    [varint(tag << 3 | 2), varint(bytes.len() as u64), bytes.to_vec()].concat()
}

fn number(tag: u64, value: u64) -> Vec<u8> {
    [varint(tag << 3), varint(value)].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 128 {
        bytes.push((value & 127) as u8 | 128);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// Levels from 0 to 255, always the same of one seed.
struct Drawn(u64);

impl Drawn {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 56
    }
}
