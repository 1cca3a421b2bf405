//! What the process is asked: pictures and templates open where they belong, and nowhere else.

use std::sync::Arc;

use sceau_biometric::{Desk, Model, Templates};
use sceau_element_api::{Base64Url, KeyringId, TerminalId};
use sceau_hsm::{Passphrase, SoftwareKeystore, Unlock};
use sceau_keyring::{
    Capture, ContextId, FaceAnswer, FaceAsk, FaceFault, FacePlace, SealedCapture, seal_capture, template_hash,
};
use sceau_trace::{Hash, sha256};
use tempfile::TempDir;

use super::tiny_model::{onnx, picture, picture_of};

struct Stage {
    folder: TempDir,
    desk: Desk,
    place: FacePlace,
}

fn desk(folder: &TempDir, models: &[u64]) -> Desk {
    let unlock = Unlock::Passphrase(Passphrase::new("four words and one more").unwrap());
    let keystore = SoftwareKeystore::open_or_create(&folder.path().join("keys"), &unlock).unwrap();
    let templates = Templates::of(Arc::new(keystore), 1).unwrap();
    Desk::new(models.iter().map(|seed| Model::load(onnx(*seed), 1).unwrap()).collect(), templates)
}

impl Stage {
    fn begin() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = FacePlace {
            context: ContextId([1; 16]),
            keyring: KeyringId::random(),
            terminal: TerminalId::random(),
            request: Hash::new([2; 32]),
            model: sha256(&onnx(1)),
            template: None,
        };
        Self { desk: desk(&folder, &[1, 2]), folder, place }
    }

    fn session(&self, context: ContextId) -> Base64Url {
        match self.desk.answer(&FaceAsk::session(context)) {
            FaceAnswer::Session { key } => key,
            answer => panic!("{answer:?}"),
        }
    }

    fn seal(&self, place: &FacePlace, ppm: &[u8]) -> SealedCapture {
        seal_capture(&self.session(place.context), place, &Capture::from_ppm(ppm).unwrap()).unwrap()
    }

    fn enrolled(&self, person: u64) -> Base64Url {
        let capture = self.seal(&self.place, &picture(person, 1));
        match self.desk.answer(&FaceAsk::Enrol { place: self.place, capture }) {
            FaceAnswer::Enrolled { template } => template,
            answer => panic!("{answer:?}"),
        }
    }

    fn at(&self, template: &Base64Url) -> FacePlace {
        FacePlace { template: Some(template_hash(template)), ..self.place }
    }

    fn compare(&self, place: FacePlace, ppm: &[u8], template: &Base64Url, least: u16) -> FaceAnswer {
        let capture = self.seal(&place, ppm);
        self.desk.answer(&FaceAsk::Compare { place, capture, template: template.clone(), least })
    }
}

fn refused(answer: &FaceAnswer) -> FaceFault {
    match answer {
        FaceAnswer::Refused { fault } => *fault,
        answer => panic!("{answer:?}"),
    }
}

#[test]
fn one_person_matches_and_another_does_not() {
    let stage = Stage::begin();
    let template = stage.enrolled(1);
    let place = stage.at(&template);
    for (person, matched) in [(1, true), (2, false), (3, false)] {
        let answer = stage.compare(place, &picture(person, 9), &template, 800);
        assert_eq!(answer, FaceAnswer::Compared { matched }, "{person}");
    }
    // The threshold is what the element says, in each question; none is refused.
    assert_eq!(
        stage.compare(place, &picture(1, 9), &template, 1000),
        FaceAnswer::Compared { matched: false }
    );
    assert_eq!(refused(&stage.compare(place, &picture(2, 9), &template, 0)), FaceFault::Template);
}

#[test]
fn a_template_is_of_one_keyring_terminal_model_and_process() {
    let stage = Stage::begin();
    let template = stage.enrolled(1);
    let place = stage.at(&template);
    let elsewhere = [
        FacePlace { keyring: KeyringId::random(), ..place },
        FacePlace { terminal: TerminalId::random(), ..place },
        FacePlace { model: sha256(&onnx(2)), ..place },
        FacePlace { template: Some(Hash::new([9; 32])), ..place },
        FacePlace { template: None, ..place },
    ];
    for place in elsewhere {
        assert_eq!(refused(&stage.compare(place, &picture(1, 9), &template, 800)), FaceFault::Template);
    }
    let mut altered = template.clone();
    altered.0[40] ^= 1;
    assert_eq!(
        refused(&stage.compare(stage.at(&altered), &picture(1, 9), &altered, 800)),
        FaceFault::Template
    );
    // Another process, with another key of templates.
    let other = Stage { desk: desk(&tempfile::tempdir().unwrap(), &[1]), ..Stage::begin() };
    assert_eq!(refused(&other.compare(place, &picture(1, 9), &template, 800)), FaceFault::Template);
    // The same one after a start: templates open, and what was sealed to it before does not.
    let sealed = stage.seal(&place, &picture(1, 9));
    let Stage { folder, desk: before, place: enrolled_at } = stage;
    drop(before);
    let again = Stage { desk: desk(&folder, &[1]), folder, place: enrolled_at };
    let asked = FaceAsk::Compare { place, capture: sealed, template: template.clone(), least: 800 };
    assert_eq!(refused(&again.desk.answer(&asked)), FaceFault::Capture);
    assert_eq!(again.compare(place, &picture(1, 9), &template, 800), FaceAnswer::Compared { matched: true });
}

#[test]
fn a_picture_is_of_one_use() {
    let stage = Stage::begin();
    let template = stage.enrolled(1);
    let place = stage.at(&template);
    let capture = stage.seal(&place, &picture(1, 9));
    let others = [
        FacePlace { context: ContextId([7; 16]), ..place },
        FacePlace { request: Hash::new([7; 32]), ..place },
    ];
    for other in others {
        let ask = FaceAsk::Compare {
            place: other,
            capture: capture.clone(),
            template: template.clone(),
            least: 800,
        };
        assert_eq!(refused(&stage.desk.answer(&ask)), FaceFault::Capture);
    }
    // One that was sealed to be compared is none to be enrolled.
    assert_eq!(
        refused(&stage.desk.answer(&FaceAsk::Enrol { place: stage.place, capture })),
        FaceFault::Capture
    );
    assert_ne!(
        stage.session(ContextId([1; 16])),
        stage.session(ContextId([2; 16])),
        "a key for each context"
    );
}

#[test]
fn what_the_process_does_not_know_is_refused() {
    let stage = Stage::begin();
    let unknown = FacePlace { model: Hash::new([5; 32]), ..stage.place };
    let capture = stage.seal(&unknown, &picture(1, 1));
    assert_eq!(refused(&stage.desk.answer(&FaceAsk::Enrol { place: unknown, capture })), FaceFault::Model);
    let capture = stage.seal(&stage.place, &picture_of(9, 1, 1));
    assert_eq!(
        refused(&stage.desk.answer(&FaceAsk::Enrol { place: stage.place, capture })),
        FaceFault::Capture
    );
    let context = FaceAsk::Session { context: Base64Url(vec![1; 15]) };
    assert_eq!(refused(&stage.desk.answer(&context)), FaceFault::Capture);
}
