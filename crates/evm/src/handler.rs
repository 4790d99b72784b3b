//! How a system transaction runs: as any transaction, but it is not validated against a sender and moves no fees.

use std::marker::PhantomData;

use revm::context_interface::result::{EVMError, HaltReason};
use revm::handler::{EthFrame, EvmTr, Handler};
use revm::inspector::{InspectorEvmTr, InspectorHandler};
use revm::interpreter::InitialAndFloorGas;
use revm::interpreter::interpreter::EthInterpreter;

use crate::StateError;
use crate::precompiles::Precompiles;
use crate::trace::EvmContext;

/// What execution of one transaction can end with, besides a result.
pub(crate) type EvmError = EVMError<StateError>;

/// Runs system transactions. Intrinsic gas, execution and refunds are those of any transaction; nonce,
/// balance and fees of the sender do not exist. `disable_fee_charge` keeps the fee steps still.
pub(crate) struct SystemHandler<E>(PhantomData<E>);

impl<E> Default for SystemHandler<E> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<E> Handler for SystemHandler<E>
where
    E: EvmTr<Context = EvmContext, Precompiles = Precompiles, Frame = EthFrame>,
{
    type Evm = E;
    type Error = EvmError;
    type HaltReason = HaltReason;

    fn validate_env(&self, _: &mut E) -> Result<(), EvmError> {
        Ok(())
    }

    fn validate_against_state_and_deduct_caller(
        &self,
        _: &mut E,
        _: &mut InitialAndFloorGas,
    ) -> Result<(), EvmError> {
        Ok(())
    }
}

impl<E> InspectorHandler for SystemHandler<E>
where
    E: InspectorEvmTr<Context = EvmContext, Precompiles = Precompiles, Frame = EthFrame>,
{
    type IT = EthInterpreter;
}
