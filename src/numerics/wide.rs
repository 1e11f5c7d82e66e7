//! Inner loops run with vectors as wide as the processor has, chosen at run time.
//!
//! The same operations are done in the same order whatever the width, nothing is
//! fused and no sum is reordered, so the width cannot be seen in the result. The tests
//! compare each kernel with itself compiled for the narrowest vectors, bit for bit.

/// An inner loop. `run` and all it calls must be `#[inline(always)]`, or the loop keeps
/// the width of the build.
pub(crate) trait Kernel {
    /// Does the work, once.
    fn run(self);
}

struct Wide<K>(K);

impl<K: Kernel> pulp::NullaryFnOnce for Wide<K> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.0.run();
    }
}

/// Runs a kernel with the widest vectors there are here.
pub(crate) fn wide<K: Kernel>(kernel: K) {
    pulp::Arch::new().dispatch(Wide(kernel));
}
