//! Ethereum's precompiles, which a simulation may move to other addresses.

use alloy_primitives::{Address, map::AddressSet};
use revm::context::{Cfg, ContextTr};
use revm::handler::{EthPrecompiles, PrecompileProvider};
use revm::interpreter::{CallInputs, InterpreterResult};
use revm::primitives::hardfork::SpecId;

/// Ethereum's precompiles, some of them moved (`movePrecompileToAddress` of `eth_simulateV1`).
#[derive(Clone, Debug)]
pub(crate) struct Precompiles {
    eth: EthPrecompiles,
    /// From where, to where.
    moved: Vec<(Address, Address)>,
    /// Where a caller put other code.
    replaced: Vec<Address>,
}

impl Precompiles {
    pub(crate) fn new(spec: SpecId) -> Self {
        Self {
            eth: EthPrecompiles::new(spec),
            moved: Vec::new(),
            replaced: Vec::new(),
        }
    }

    /// Code that a caller puts at the address of a precompile runs instead of it.
    pub(crate) fn replace(&mut self, at: Address) {
        if self.eth.contains(&at) {
            self.replaced.push(at);
        }
    }

    /// Moves a precompile; answers whether there is one at `from`.
    pub(crate) fn relocate(&mut self, from: Address, to: Address) -> bool {
        let there = self.eth.contains(&from);
        if there {
            self.moved.push((from, to));
        }
        there
    }

    /// The precompile that answers at `at`, under its own address.
    fn at(&self, at: Address) -> Option<Address> {
        if let Some((from, _)) = self.moved.iter().rev().find(|(_, to)| *to == at) {
            return Some(*from);
        }
        let gone = self.moved.iter().any(|(from, _)| *from == at);
        (!gone && !self.replaced.contains(&at) && self.eth.contains(&at)).then_some(at)
    }
}

impl<CTX: ContextTr> PrecompileProvider<CTX> for Precompiles {
    type Output = InterpreterResult;

    fn set_spec(&mut self, spec: <CTX::Cfg as Cfg>::Spec) -> bool {
        PrecompileProvider::<CTX>::set_spec(&mut self.eth, spec)
    }

    fn run(
        &mut self,
        ctx: &mut CTX,
        inputs: &CallInputs,
    ) -> Result<Option<InterpreterResult>, String> {
        if self.moved.is_empty() && self.replaced.is_empty() {
            return self.eth.run(ctx, inputs);
        }
        match self.at(inputs.bytecode_address) {
            None => Ok(None),
            Some(own) => self.eth.run(
                ctx,
                &CallInputs {
                    bytecode_address: own,
                    ..inputs.clone()
                },
            ),
        }
    }

    fn warm_addresses(&self) -> &AddressSet {
        self.eth.warm_addresses()
    }
}
