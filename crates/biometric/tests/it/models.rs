//! Models: a file is one, or refused with words; a picture always gives the same numbers.

use proptest::prelude::*;
use sceau_biometric::{Model, ModelError};
use sceau_keyring::Capture;
use sceau_trace::sha256;

use super::tiny_model::{NUMBERS, SIDE, onnx, picture, shaped};

fn capture(person: u64, noise: u64) -> Capture {
    Capture::from_ppm(&picture(person, noise)).unwrap()
}

fn alike(one: &[f32], other: &[f32]) -> f32 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

#[test]
fn a_model_is_named_by_its_file_and_tells_pictures_apart() {
    let bytes = onnx(1);
    let model = Model::load(bytes.clone(), 1).unwrap();
    let served = model.served();
    assert_eq!((served.model, served.width, served.height), (sha256(&bytes), SIDE, SIDE));
    let one = model.embedding(&capture(1, 1)).unwrap();
    assert_eq!(one.len(), NUMBERS);
    assert!((alike(&one, &one) - 1.0).abs() < 1e-4, "of length 1");
    let (same, other) = (model.embedding(&capture(1, 2)).unwrap(), model.embedding(&capture(2, 1)).unwrap());
    assert!(alike(&one, &same) > 0.9, "{}", alike(&one, &same));
    assert!(alike(&one, &other) < 0.6, "{}", alike(&one, &other));
}

#[test]
fn what_takes_no_picture_or_gives_no_numbers_is_refused() {
    let pixels = usize::from(SIDE) * usize::from(SIDE) * 3;
    let side = u64::from(SIDE);
    let weights = |columns: usize| vec![0.5; pixels * columns];
    let shapes = [
        shaped(&[1, 1, side, side], pixels / 3, NUMBERS, &vec![0.5; pixels / 3 * NUMBERS]),
        shaped(&[1, 3, 161, 161], 161 * 161 * 3, 8, &vec![0.5; 161 * 161 * 3 * 8]),
        shaped(&[1, 3, 4, 4], 48, 8, &vec![0.5; 48 * 8]),
        shaped(&[2, 3, side, side], pixels, NUMBERS, &weights(NUMBERS)),
        shaped(&[1, pixels as u64], pixels, NUMBERS, &weights(NUMBERS)),
        shaped(&[1, 3, side, side], pixels, 4, &weights(4)),
    ];
    for (at, bytes) in shapes.into_iter().enumerate() {
        let refused = Model::load(bytes, 1).err();
        assert!(matches!(refused, Some(ModelError::Shape(_))), "{at}: {refused:?}");
    }
    // Numbers that are not, or all zero, compare with nothing.
    for weight in [f32::NAN, f32::INFINITY, 0.0] {
        let bytes = shaped(&[1, 3, side, side], pixels, NUMBERS, &vec![weight; pixels * NUMBERS]);
        assert!(matches!(Model::load(bytes, 1), Err(ModelError::Run(_))), "{weight}");
    }
    // Weights of another shape than the picture's.
    let bytes = shaped(&[1, 3, side, side], pixels + 1, NUMBERS, &vec![0.5; (pixels + 1) * NUMBERS]);
    assert!(Model::load(bytes, 1).is_err());
}

#[test]
fn what_is_no_model_is_refused_in_words() {
    for bytes in [Vec::new(), b"no model".to_vec(), vec![255; 1000], onnx(1)[..1000].to_vec()] {
        assert!(matches!(
            Model::load(bytes, 1),
            Err(ModelError::Unreadable(_) | ModelError::Shape(_) | ModelError::Run(_))
        ));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// A model with a turned byte is another model, or none; whatever it is, nothing panics out of it.
    #[test]
    fn a_damaged_model_breaks_nothing(at in any::<prop::sample::Index>(), byte in any::<u8>(), head in any::<bool>()) {
        let mut bytes = onnx(1);
        // What says the shape is in the first and last bytes; between them are weights.
        let at = if head { at.index(160) } else { bytes.len() - 1 - at.index(160) };
        bytes[at] = byte;
        if let Ok(model) = Model::load(bytes, 1) {
            let served = model.served();
            prop_assert!(served.width <= 160 && served.height <= 160);
        }
    }
}
