//! What tracers see: native frames and the EVM frames that they open, nested as they ran.

use revm::Inspector;
use revm::handler::MainnetContext;

use crate::overlay::Overlay;

/// The EVM context that inspectors are written against.
pub type EvmContext = MainnetContext<Overlay>;

/// Any inspector, behind a pointer, so that execution is compiled for it once.
pub type DynInspector<'a> = dyn Inspector<EvmContext> + 'a;
