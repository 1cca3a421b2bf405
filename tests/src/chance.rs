//! Chance that can be had again: numbers that follow from a seed.

/// The seed's numbers, one after another.
#[derive(Debug)]
pub struct Chance {
    seed: u64,
    drawn: u64,
}

impl Chance {
    /// Of a seed.
    pub fn of(seed: u64) -> Self {
        Self { seed, drawn: 0 }
    }

    /// The next number, less than `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.drawn += 1;
        let bytes = sceau_crypto::sha256(format!("{} {}", self.seed, self.drawn).as_bytes());
        bytes.first_chunk().map_or(0, |first| u64::from_le_bytes(*first)) % bound
    }
}

/// What a variable of the environment says, or `default`.
pub fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable)
        .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{variable}={text}")))
}
