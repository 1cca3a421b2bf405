//! A model of faces: an ONNX file of the operator's that makes an embedding of a picture. Whatever the file is, it ends in an error, and not in a panic.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use rten::{Dimension, ModelOptions, NodeId, RunOptions, ThreadPool, ValueView};
use sceau_keyring::{Capture, LARGEST_SIDE, SMALLEST_SIDE, ServedModel};
use sceau_trace::sha256;
use zeroize::Zeroizing;

use crate::framing::is_model;

/// The largest file, in bytes.
pub const LONGEST_MODEL: u64 = 512 * 1024 * 1024;
/// The fewest numbers of an embedding.
pub const SHORTEST_EMBEDDING: usize = 8;
/// The most numbers of an embedding.
pub const LONGEST_EMBEDDING: usize = 2048;

/// A model cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The file cannot be read.
    #[error("{path}: {cause}")]
    File {
        /// Which.
        path: String,
        /// Why.
        cause: std::io::Error,
    },
    /// It is too long.
    #[error("the model has {0} bytes: at most 512 MiB are loaded")]
    TooLong(u64),
    /// It is not ONNX, or has operators that are not known here.
    #[error("the model is no ONNX that can be loaded: {0}")]
    Unreadable(String),
    /// It takes something else than a picture, or gives something else than an embedding.
    #[error(
        "the model must take one picture (float, 1 by 3 by height by width, 8 to 160 pixels each way) and give 8 to 2,048 numbers: {0}"
    )]
    Shape(&'static str),
    /// It does not work.
    #[error("the model did not work on a picture: {0}")]
    Run(String),
}

/// A model that was loaded, and worked on a grey picture.
pub struct Model {
    served: ServedModel,
    model: rten::Model,
    input: NodeId,
    output: NodeId,
    options: RunOptions,
}

impl Model {
    /// Loads a file; `threads` work on a picture.
    ///
    /// # Errors
    /// [`ModelError`].
    pub fn load_file(path: &Path, threads: usize) -> Result<Self, ModelError> {
        let unread = |cause| ModelError::File { path: path.display().to_string(), cause };
        let length = std::fs::metadata(path).map_err(unread)?.len();
        if length > LONGEST_MODEL {
            return Err(ModelError::TooLong(length));
        }
        Self::load(std::fs::read(path).map_err(unread)?, threads)
    }

    /// Loads the bytes of one.
    ///
    /// # Errors
    /// [`ModelError`].
    pub fn load(bytes: Vec<u8>, threads: usize) -> Result<Self, ModelError> {
        if !is_model(&bytes) {
            return Err(ModelError::Unreadable("it is cut off, or something else".to_owned()));
        }
        let hash = sha256(&bytes);
        let load = || ModelOptions::with_all_ops().load(bytes).map_err(|error| error.to_string());
        let model = unless_it_panics(load).map_err(ModelError::Unreadable)?;
        let ([input], [output, ..]) = (model.input_ids(), model.output_ids()) else {
            return Err(ModelError::Shape("it has one input"));
        };
        let (input, output) = (*input, *output);
        let shape = model.node_info(input).and_then(|info| info.shape()).unwrap_or_default();
        let [batch, channels, height, width] = shape.as_slice() else {
            return Err(ModelError::Shape("its input has four dimensions"));
        };
        let one = |dimension: &Dimension| matches!(dimension, Dimension::Symbolic(_) | Dimension::Fixed(1));
        if !one(batch) || !matches!(channels, Dimension::Fixed(3)) {
            return Err(ModelError::Shape("a picture at a time, of three colours, which come first"));
        }
        let (height, width) = (side(height)?, side(width)?);
        let options =
            RunOptions::default().with_thread_pool(Some(Arc::new(ThreadPool::with_num_threads(threads))));
        let served = ServedModel { model: hash, width, height };
        let model = Self { served, model, input, output, options };
        let grey = vec![128; usize::from(width) * usize::from(height) * 3];
        let grey =
            Capture::new(width, height, grey).map_err(|_| ModelError::Shape("a side of its picture"))?;
        model.embedding(&grey)?;
        Ok(model)
    }

    /// What is said of it.
    #[must_use]
    pub fn served(&self) -> ServedModel {
        self.served
    }

    /// Whether a picture is of its size.
    #[must_use]
    pub fn takes(&self, capture: &Capture) -> bool {
        (capture.width(), capture.height()) == (self.served.width, self.served.height)
    }

    /// The embedding of a picture of its size, of length 1: each colour `c` comes in as `(c - 127.5) / 127.5`, red, green and blue in planes.
    ///
    /// # Errors
    /// [`ModelError::Shape`], [`ModelError::Run`].
    pub fn embedding(&self, capture: &Capture) -> Result<Zeroizing<Vec<f32>>, ModelError> {
        if !self.takes(capture) {
            return Err(ModelError::Shape("the picture is of another size"));
        }
        let (width, height) = (usize::from(capture.width()), usize::from(capture.height()));
        let plane = |colour: usize| {
            let of_pixel = move |pixel: &[u8; 3]| pixel.get(colour).copied().unwrap_or_default();
            capture.pixels().as_chunks::<3>().0.iter().map(of_pixel)
        };
        let levels = (0..3).flat_map(plane).map(|level| (f32::from(level) - 127.5) / 127.5);
        let levels = Zeroizing::new(levels.collect::<Vec<_>>());
        let run = || {
            let input = ValueView::from_shape([1, 3, height, width], levels.as_slice());
            let input = input.map_err(|error| error.to_string())?;
            let run =
                self.model.run(vec![(self.input, input.into())], &[self.output], Some(self.options.clone()));
            let mut outputs = run.map_err(|error| error.to_string())?;
            let output = outputs.pop().ok_or("it gave nothing")?;
            let (_, values) = output.into_shape_vec::<f32, 2>().map_err(|_| "it gave no row of numbers")?;
            Ok(Zeroizing::new(values))
        };
        normalised(unless_it_panics(run).map_err(ModelError::Run)?)
    }
}

/// The cosine of the angle between two embeddings of length 1; none where they are of different lengths.
#[must_use]
pub(crate) fn similarity(one: &[f32], other: &[f32]) -> Option<f32> {
    (one.len() == other.len()).then(|| one.iter().zip(other).map(|(one, other)| one * other).sum())
}

fn normalised(mut values: Zeroizing<Vec<f32>>) -> Result<Zeroizing<Vec<f32>>, ModelError> {
    if !(SHORTEST_EMBEDDING..=LONGEST_EMBEDDING).contains(&values.len()) {
        return Err(ModelError::Shape("it gives another count of numbers"));
    }
    let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
    if !length.is_normal() {
        return Err(ModelError::Run("it gave no numbers that can be compared".to_owned()));
    }
    values.iter_mut().for_each(|value| *value /= length);
    Ok(values)
}

fn side(dimension: &Dimension) -> Result<u16, ModelError> {
    let fixed = match dimension {
        Dimension::Fixed(size) => u16::try_from(*size).ok(),
        Dimension::Symbolic(_) => None,
    };
    let taken = fixed.filter(|side| (SMALLEST_SIDE..=LARGEST_SIDE).contains(side));
    taken.ok_or(ModelError::Shape("the sides of its picture are fixed, of 8 to 160 pixels"))
}

/// The library is somebody else's: where it panics, what it did is over, and nothing of it is used again but the model, which a run does not change.
fn unless_it_panics<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err("it made the runtime of models fail".to_owned()))
}
