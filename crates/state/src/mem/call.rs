//! Calls and creations between frames.

use alloy_primitives::{Address, Bytes, U256};

use super::{Account, CALL_DEPTH_MAX, MemStore, journal::Undo};
use crate::{
    CallInSystemPhase, CallKind, CallOutcome, CallRequest, CreateOutcome, CreateRequest, Halt, gas,
};

const FAILED: CallOutcome = CallOutcome {
    success: false,
    output: Bytes::new(),
};

impl MemStore {
    pub(super) fn run_call(&mut self, request: CallRequest) -> Result<CallOutcome, Halt> {
        let moves_coins = !request.value.is_zero();
        self.refuse_in_system_phase(request.target)?;
        if moves_coins && (self.is_static || request.kind == CallKind::Static) {
            self.meter.drain();
            return Err(Halt::StaticViolation);
        }
        let to_is_new = self.account(request.target).is_empty();
        let cold = self.is_cold_account(request.target);
        self.meter.charge(gas::call(cold, moves_coins, to_is_new))?;
        self.warm_account(request.target);
        if self.depth >= CALL_DEPTH_MAX || self.coins(request.from) < request.value {
            // EIP-150: a call that cannot start gives its gas back, the stipend included.
            self.meter.left = self.meter.left.saturating_add(stipend(moves_coins));
            return Ok(FAILED);
        }
        let is_static = self.is_static || request.kind == CallKind::Static;
        let result = self.in_frame(
            request.gas_limit,
            stipend(moves_coins),
            is_static,
            |store| {
                store.move_coins(request.from, request.target, request.value);
                match store.callees.get(&request.target).cloned() {
                    Some(callee) => callee(store, &request),
                    // Code without a script is a marker as far as this store knows: 0xFE burns its gas.
                    None if store.account(request.target).code_bytes != 0 => Err(Halt::OutOfGas),
                    None => Ok(Bytes::new()),
                }
            },
        );
        let (success, output) = match result {
            Ok(output) => (true, output),
            Err(Halt::Revert(output)) => (false, output),
            Err(Halt::OutOfGas | Halt::StaticViolation) => return Ok(FAILED),
            Err(fatal @ Halt::Fatal(_)) => return Err(fatal),
        };
        self.meter.keep_answer(output.len())?;
        Ok(CallOutcome { success, output })
    }

    pub(super) fn run_create(&mut self, request: CreateRequest) -> Result<CreateOutcome, Halt> {
        self.refuse_static()?;
        self.refuse_in_system_phase(Address::ZERO)?;
        if request.init_code.len() > gas::INIT_CODE_MAX {
            self.meter.drain();
            return Err(Halt::OutOfGas);
        }
        self.meter
            .charge(gas::create(request.init_code.len(), request.salt.is_some()))?;
        let failed = |output| {
            Ok(CreateOutcome {
                address: None,
                output,
            })
        };
        let creator = self.account(request.from);
        if self.depth >= CALL_DEPTH_MAX || creator.coins < request.value {
            return failed(Bytes::new());
        }
        let address = match request.salt {
            Some(salt) => request.from.create2_from_code(salt, &request.init_code),
            None => request.from.create(creator.nonce),
        };
        let nonce = creator.nonce.saturating_add(1);
        self.set_account(request.from, Account { nonce, ..creator });
        self.warm_account(address);
        self.creations.push(request.clone());
        self.journal.push(Undo::Creation);
        match self.in_frame(None, 0, false, |store| store.deploy(&request, address)) {
            Ok(()) => Ok(CreateOutcome {
                address: Some(address),
                output: Bytes::new(),
            }),
            Err(Halt::Revert(output)) => {
                self.meter.keep_answer(output.len())?;
                failed(output)
            }
            Err(Halt::OutOfGas | Halt::StaticViolation) => failed(Bytes::new()),
            Err(fatal @ Halt::Fatal(_)) => Err(fatal),
        }
    }

    fn deploy(&mut self, request: &CreateRequest, address: Address) -> Result<(), Halt> {
        let there = self.account(address);
        if there.nonce != 0 || there.code_bytes != 0 {
            // EIP-684: a collision burns the gas of the frame.
            self.meter.drain();
            return Err(Halt::OutOfGas);
        }
        self.set_account(address, Account { nonce: 1, ..there });
        self.move_coins(request.from, address, request.value);
        let code_bytes = match self.creator.clone() {
            Some(creator) => creator(self, request, address)?,
            None => request.init_code.len(),
        };
        let deposit = u64::try_from(code_bytes)
            .unwrap_or(u64::MAX)
            .saturating_mul(gas::CODE_BYTE);
        self.meter.charge(deposit)?;
        self.set_account(
            address,
            Account {
                code_bytes,
                ..self.account(address)
            },
        );
        Ok(())
    }

    /// Runs `body` as an inner frame: own gas, own static flag, undone if it halts.
    fn in_frame<R>(
        &mut self,
        gas_limit: Option<u64>,
        stipend: u64,
        is_static: bool,
        body: impl FnOnce(&mut Self) -> Result<R, Halt>,
    ) -> Result<R, Halt> {
        let was_static = std::mem::replace(&mut self.is_static, is_static);
        let opened = self.meter.open(gas_limit, stipend);
        self.depth = self.depth.saturating_add(1);
        let result = self.attempt(body);
        if let Err(Halt::OutOfGas | Halt::StaticViolation) = result {
            self.meter.drain();
        }
        self.depth = self.depth.saturating_sub(1);
        self.meter.close(opened);
        self.is_static = was_static;
        result
    }

    /// Moves coins for free; answers `false`, and moves nothing, if there are too few.
    pub(super) fn move_coins(&mut self, from: Address, to: Address, amount: U256) -> bool {
        let giver = self.account(from);
        let Some(coins) = giver.coins.checked_sub(amount) else {
            return false;
        };
        if from == to || amount.is_zero() {
            return true;
        }
        let taker = self.account(to);
        let Some(taken) = taker.coins.checked_add(amount) else {
            return false;
        };
        self.set_account(from, Account { coins, ..giver });
        self.set_account(
            to,
            Account {
                coins: taken,
                ..taker
            },
        );
        true
    }

    fn refuse_in_system_phase(&self, target: Address) -> Result<(), Halt> {
        if self.in_system_phase {
            return Err(Halt::revert(&CallInSystemPhase { target }));
        }
        Ok(())
    }
}

const fn stipend(moves_coins: bool) -> u64 {
    if moves_coins { gas::CALL_STIPEND } else { 0 }
}
