//! Chance that can be repeated: the same bytes in every run and on every machine.

/// A linear congruential generator, after Knuth: chance that can be repeated.
pub(crate) struct Lcg(u64);

impl Lcg {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`. The lower bits of the state repeat soon, so the upper ones are taken.
    pub(crate) fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 32) as u32 % end
    }

    pub(crate) fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        let count = u32::try_from(choices.len()).expect("a few choices");
        choices[self.below(count) as usize]
    }

    pub(crate) fn happens(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// A measured number with three decimals.
    pub(crate) fn measured(&mut self, end: u32) -> f64 {
        f64::from(self.below(end * 1_000)) / 1_000.0
    }

    pub(crate) fn hex(&mut self, digits: usize) -> String {
        (0..digits).map(|_| char::from(self.one_of(b"0123456789abcdef"))).collect()
    }
}
