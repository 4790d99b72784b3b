#!/usr/bin/env python3
"""Random GeneralStateTests, filled by the Ethereum execution specification (EELS).

usage: generate.py --out FOLDER [--count 300] [--seed 1] [--fork Osaka]

Each case is one transaction over a small random world: a few accounts whose programs are stitched together from
well-formed snippets (arithmetic, storage, transient storage, memory, logs, calls of all four kinds, creations,
precompiles, self-destruct, reverts, invalid opcodes) and a transaction of type 0, 1, 2 or 4, sometimes with a fault that
must be refused. The expected state root and logs hash come from EELS alone; nothing of Capstan is used here.

A case depends only on (seed, index), so a failure named `random_1_0042` is replayed by `--seed 1 --only 42`.
"""

import argparse
import collections
import json
import logging
import random
import sys
from io import StringIO
from pathlib import Path

from coincurve import PrivateKey
from ethereum.crypto.hash import keccak256
from ethereum_rlp import rlp
from ethereum_spec_tools.evm_tools import create_parser
from ethereum_spec_tools.evm_tools.t8n import T8N, ForkCache
from ethereum_types.numeric import Uint

WORD = 2**256
GAS_LIMIT_TX_MAX = 2**24  # EIP-7825
INITCODE_BYTES_MAX = 2 * 24576  # EIP-3860
BASE_FEE_WEI = 7
COINBASE = "0x00000000000000000000000000000000c0ffee00"
CASES_PER_FILE = 50


def account_of(secret: bytes) -> str:
    public = PrivateKey(secret).public_key.format(compressed=False)[1:]
    return "0x" + keccak256(public)[12:].hex()


SECRETS = [keccak256(b"capstan state test key %d" % i) for i in range(4)]
SENDER_SECRET, *AUTHORITY_SECRETS = SECRETS
SENDER = account_of(SENDER_SECRET)
AUTHORITIES = [account_of(secret) for secret in AUTHORITY_SECRETS]
CONTRACTS = ["0x" + (0xC0DE0000 + i).to_bytes(20, "big").hex() for i in range(1, 7)]
NOBODY = ["0x" + (0xDEAD0000 + i).to_bytes(20, "big").hex() for i in range(2)]
PRECOMPILES = ["0x" + i.to_bytes(20, "big").hex() for i in (*range(1, 18), 0x100)]

OP = {
    name: code
    for code, name in {
        0x00: "STOP", 0x01: "ADD", 0x02: "MUL", 0x03: "SUB", 0x04: "DIV", 0x05: "SDIV", 0x06: "MOD", 0x07: "SMOD",
        0x08: "ADDMOD", 0x09: "MULMOD", 0x0A: "EXP", 0x0B: "SIGNEXTEND", 0x10: "LT", 0x11: "GT", 0x12: "SLT",
        0x13: "SGT", 0x14: "EQ", 0x15: "ISZERO", 0x16: "AND", 0x17: "OR", 0x18: "XOR", 0x19: "NOT", 0x1A: "BYTE",
        0x1B: "SHL", 0x1C: "SHR", 0x1D: "SAR", 0x1E: "CLZ", 0x20: "KECCAK256", 0x30: "ADDRESS", 0x31: "BALANCE",
        0x32: "ORIGIN", 0x33: "CALLER", 0x34: "CALLVALUE", 0x35: "CALLDATALOAD", 0x36: "CALLDATASIZE",
        0x37: "CALLDATACOPY", 0x38: "CODESIZE", 0x39: "CODECOPY", 0x3A: "GASPRICE", 0x3B: "EXTCODESIZE",
        0x3C: "EXTCODECOPY", 0x3D: "RETURNDATASIZE", 0x3E: "RETURNDATACOPY", 0x3F: "EXTCODEHASH", 0x41: "COINBASE",
        0x42: "TIMESTAMP", 0x43: "NUMBER", 0x44: "PREVRANDAO", 0x45: "GASLIMIT", 0x46: "CHAINID", 0x47: "SELFBALANCE",
        0x48: "BASEFEE", 0x49: "BLOBHASH", 0x4A: "BLOBBASEFEE", 0x50: "POP", 0x51: "MLOAD", 0x52: "MSTORE",
        0x53: "MSTORE8", 0x54: "SLOAD", 0x55: "SSTORE", 0x56: "JUMP", 0x57: "JUMPI", 0x58: "PC", 0x59: "MSIZE",
        0x5A: "GAS", 0x5B: "JUMPDEST", 0x5C: "TLOAD", 0x5D: "TSTORE", 0x5E: "MCOPY", 0xA0: "LOG0", 0xF0: "CREATE",
        0xF1: "CALL", 0xF2: "CALLCODE", 0xF3: "RETURN", 0xF4: "DELEGATECALL", 0xF5: "CREATE2", 0xFA: "STATICCALL",
        0xFD: "REVERT", 0xFE: "INVALID", 0xFF: "SELFDESTRUCT",
    }.items()
}  # fmt: skip

BINARY = ["ADD", "MUL", "SUB", "DIV", "SDIV", "MOD", "SMOD", "EXP", "SIGNEXTEND", "LT", "GT", "SLT", "SGT", "EQ",
          "AND", "OR", "XOR", "BYTE", "SHL", "SHR", "SAR"]  # fmt: skip
NULLARY = ["ADDRESS", "ORIGIN", "CALLER", "CALLVALUE", "CALLDATASIZE", "CODESIZE", "GASPRICE", "RETURNDATASIZE",
           "COINBASE", "TIMESTAMP", "NUMBER", "PREVRANDAO", "GASLIMIT", "CHAINID", "SELFBALANCE", "BASEFEE",
           "BLOBBASEFEE", "PC", "MSIZE", "GAS"]  # fmt: skip


class Program:
    """Bytecode under construction. Every snippet leaves the stack as deep as it found it."""

    def __init__(self, rng: random.Random, depth: int = 0) -> None:
        self.rng = rng
        self.depth = depth
        self.code = bytearray()

    def op(self, *names: str) -> None:
        self.code += bytes(OP[name] for name in names)

    def push(self, value: int | str | bytes) -> None:
        if isinstance(value, str):
            value = bytes.fromhex(value[2:])
        if isinstance(value, int):
            value = value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big")
        self.code += bytes([0x5F + len(value)]) + value

    def word(self) -> int:
        rng = self.rng
        return rng.choice(
            [
                rng.randrange(4),
                rng.randrange(256),
                rng.getrandbits(256),
                WORD - 1 - rng.randrange(4),
                2**255 + rng.randrange(3) - 1,
                1 << rng.randrange(256),
            ]
        )

    def offset(self) -> int:
        return self.rng.choice([0, 1, 31, 32, 64, 96, self.rng.randrange(512)])

    def size(self) -> int:
        return self.rng.choice([0, 1, 32, 64, 128, self.rng.randrange(300)])

    def slot(self) -> int:
        return self.rng.choice([0, 1, 2, 3, WORD - 1])

    def address(self) -> str:
        rng = self.rng
        return rng.choice([rng.choice(CONTRACTS), rng.choice(CONTRACTS), rng.choice(PRECOMPILES), rng.choice(NOBODY),
                           rng.choice(AUTHORITIES), SENDER, COINBASE])  # fmt: skip

    def value(self) -> None:
        """Pushes one word: a constant or something the machine knows."""
        rng = self.rng
        pick = rng.randrange(8)
        if pick < 3:
            self.push(self.word())
        elif pick == 3:
            self.op(rng.choice(NULLARY))
        elif pick == 4:
            self.push(self.offset())
            self.op(rng.choice(["MLOAD", "CALLDATALOAD"]))
        elif pick == 5:
            self.push(self.slot())
            self.op(rng.choice(["SLOAD", "TLOAD"]))
        elif pick == 6:
            self.push(self.address())
            self.op(rng.choice(["BALANCE", "EXTCODESIZE", "EXTCODEHASH"]))
        else:
            self.push(self.word())
            self.push(self.word())
            self.op(rng.choice(BINARY))

    # Snippets

    def arithmetic(self) -> None:
        rng = self.rng
        self.value()
        for _ in range(rng.randrange(1, 6)):
            pick = rng.randrange(10)
            if pick == 0:
                self.op(rng.choice(["NOT", "ISZERO", "CLZ"]))
            elif pick == 1:
                self.value()
                self.value()
                self.op(rng.choice(["ADDMOD", "MULMOD"]))
            else:
                self.value()
                self.op(rng.choice(BINARY))
        if rng.random() < 0.5:
            self.push(self.slot())
            self.op("SSTORE")
        else:
            self.push(self.offset())
            self.op(rng.choice(["MSTORE", "MSTORE", "MSTORE8"]))

    def store(self) -> None:
        self.value()
        self.push(self.slot())
        self.op(self.rng.choice(["SSTORE", "SSTORE", "TSTORE"]))

    def clear(self) -> None:
        self.push(0)
        self.push(self.slot())
        self.op("SSTORE")

    def hash(self) -> None:
        self.push(self.size())
        self.push(self.offset())
        self.op("KECCAK256")
        self.push(self.slot())
        self.op("SSTORE")

    def copy(self) -> None:
        name = self.rng.choice(["CALLDATACOPY", "CODECOPY", "EXTCODECOPY", "MCOPY", "RETURNDATACOPY"])
        self.push(self.size())
        if name == "RETURNDATACOPY" and self.rng.random() < 0.9:
            self.op("POP", "RETURNDATASIZE")
            self.push(0)
        else:
            self.push(self.offset())
        self.push(self.offset())
        if name == "EXTCODECOPY":
            self.push(self.address())
        self.op(name)

    def log(self) -> None:
        topics = self.rng.randrange(5)
        for _ in range(topics):
            self.value()
        self.push(self.size())
        self.push(self.offset())
        self.code.append(OP["LOG0"] + topics)

    def call(self) -> None:
        rng = self.rng
        name = rng.choice(["CALL", "CALL", "CALLCODE", "DELEGATECALL", "STATICCALL"])
        for _ in range(2):
            self.push(self.size())
            self.push(self.offset())
        if name in ("CALL", "CALLCODE"):
            self.push(rng.choice([0, 0, 1, 1000, 10**30]))
        self.push(self.address())
        if rng.random() < 0.5:
            self.op("GAS")
        else:
            self.push(rng.choice([0, 700, 2300, 30_000, 200_000, 2**40]))
        self.op(name)
        self.keep_result()

    def precompile(self) -> None:
        """Calls a precompile with an input that it understands at least sometimes."""
        rng = self.rng
        address = rng.choice(PRECOMPILES)
        words = rng.randrange(7)
        for index in range(words):
            self.push(rng.choice([0, 1, 2, 27, 28, 32, rng.getrandbits(64), rng.getrandbits(256)]))
            self.push(32 * index)
            self.op("MSTORE")
        self.push(64)
        self.push(0)
        self.push(32 * words)
        self.push(0)
        self.push(address)
        self.push(rng.choice([3000, 50_000, 300_000]))
        self.op("STATICCALL")
        self.keep_result()
        self.push(0)
        self.op("MLOAD")
        self.push(self.slot())
        self.op("SSTORE")

    def ecrecover(self) -> None:
        """A signature that is valid, so that the door of the precompile is also walked through."""
        digest = keccak256(bytes([self.rng.randrange(256)]))
        signature = PrivateKey(self.rng.choice(SECRETS)).sign_recoverable(digest, hasher=None)
        words = [digest, (27 + signature[64]).to_bytes(32, "big"), signature[:32], signature[32:64]]
        for index, word in enumerate(words):
            self.push(word)
            self.push(32 * index)
            self.op("MSTORE")
        for value in (32, 128, 128, 0, 1, 10_000):
            self.push(value)
        self.op("STATICCALL", "POP")
        self.push(128)
        self.op("MLOAD")
        self.push(self.slot())
        self.op("SSTORE")

    def create(self) -> None:
        rng = self.rng
        child = Program(rng, self.depth + 1)
        child.snippets(rng.randrange(3))
        runtime = Program(rng, self.depth + 2)
        runtime.snippets(rng.randrange(3))
        body = bytes(runtime.code[:200])
        if rng.random() < 0.1:
            body = b"\xef" + body
        for index in range(0, len(body), 32):
            child.push(body[index : index + 32].ljust(32, b"\0"))
            child.push(index)
            child.op("MSTORE")
        child.push(len(body))
        child.push(0)
        child.op(rng.choice(["RETURN", "RETURN", "RETURN", "REVERT"]))
        initcode = bytes(child.code)
        for index in range(0, len(initcode), 32):
            self.push(initcode[index : index + 32].ljust(32, b"\0"))
            self.push(index)
            self.op("MSTORE")
        salted = rng.random() < 0.5
        if salted:
            self.push(rng.randrange(2))
        self.push(len(initcode))
        self.push(0)
        self.push(rng.choice([0, 0, 1, 10**30]))
        self.op("CREATE2" if salted else "CREATE")
        self.keep_result()

    def keep_result(self) -> None:
        """The word on top (a success flag, an address) goes to storage or nowhere."""
        if self.rng.random() < 0.7:
            self.push(self.slot())
            self.op("SSTORE")
        else:
            self.op("POP")

    def branch(self) -> None:
        """Skips the next snippet, or not, by a condition."""
        self.value()
        jump_at = len(self.code)
        self.code += b"\x61\0\0"
        self.op("JUMPI")
        self.snippet()
        target = len(self.code)
        self.op("JUMPDEST")
        self.code[jump_at + 1 : jump_at + 3] = target.to_bytes(2, "big")

    def loop(self) -> None:
        """A counted loop over a cheap body."""
        self.push(self.rng.choice([1, 3, 20]))
        start = len(self.code)
        self.op("JUMPDEST")
        self.rng.choice([self.store, self.hash, self.log, self.arithmetic])()
        self.push(1)
        self.code.append(0x90)  # SWAP1
        self.op("SUB")
        self.code.append(0x80)  # DUP1
        self.code += b"\x61" + start.to_bytes(2, "big")
        self.op("JUMPI", "POP")

    def end(self) -> None:
        rng = self.rng
        pick = rng.randrange(20)
        if pick < 8:
            self.op("STOP")
        elif pick < 16:
            self.push(self.size())
            self.push(self.offset())
            self.op("RETURN" if pick < 13 else "REVERT")
        elif pick == 16:
            self.op("INVALID")
        elif pick == 17:
            self.push(self.word())
            self.op("JUMP")
        else:
            self.push(self.address())
            self.op("SELFDESTRUCT")

    def snippet(self) -> None:
        kinds = [self.arithmetic, self.arithmetic, self.store, self.store, self.clear, self.hash, self.copy, self.log,
                 self.call, self.call, self.call, self.precompile, self.ecrecover, self.loop, self.branch]  # fmt: skip
        if self.depth < 2:
            kinds += [self.create, self.create]
        self.rng.choice(kinds)()

    def snippets(self, count: int) -> None:
        for _ in range(count):
            self.snippet()


def quantity(value: int) -> str:
    return hex(value)


def padded(value: int) -> str:
    return "0x" + value.to_bytes(32, "big").hex()


def random_program(rng: random.Random) -> bytes:
    program = Program(rng)
    program.snippets(rng.randrange(1, 8))
    program.end()
    return bytes(program.code)


def random_world(rng: random.Random) -> dict:
    world = {}
    for address in CONTRACTS:
        world[address] = {
            "balance": quantity(rng.choice([0, 1, 10**6, 10**18])),
            "nonce": quantity(rng.choice([0, 1, 5, 2**64 - 2, 2**64 - 1]) if rng.random() < 0.1 else 1),
            "code": "0x" + random_program(rng).hex(),
            "storage": {padded(slot): padded(1 + rng.getrandbits(100)) for slot in range(4) if rng.random() < 0.5},
        }
    for address in AUTHORITIES:
        if rng.random() < 0.6:
            delegated = rng.random() < 0.4
            world[address] = {
                "balance": quantity(rng.choice([1, 10**18])),
                "nonce": quantity(rng.randrange(3)),
                "code": "0xef0100" + rng.choice(CONTRACTS)[2:] if delegated else "0x",
                "storage": {},
            }
    world[SENDER] = {
        "balance": quantity(10**20),
        "nonce": quantity(rng.choice([0, 1, 7])),
        "code": "0x",
        "storage": {},
    }
    if rng.random() < 0.3:
        world[COINBASE] = {"balance": "0x1", "nonce": "0x0", "code": "0x", "storage": {}}
    return world


def authorization(rng: random.Random, world: dict) -> dict:
    index = rng.randrange(len(AUTHORITIES))
    address = AUTHORITIES[index]
    nonce_now = int(world.get(address, {"nonce": "0x0"})["nonce"], 16)
    chain_id = rng.choice([0, 1, 1, 1, 5])
    nonce = nonce_now if rng.random() < 0.8 else nonce_now + 1
    target = rng.choice(CONTRACTS + ["0x" + "00" * 20])
    message = rlp.encode((Uint(chain_id), bytes.fromhex(target[2:]), Uint(nonce)))
    signature = PrivateKey(AUTHORITY_SECRETS[index]).sign_recoverable(keccak256(b"\x05" + message), hasher=None)
    return {
        "chainId": quantity(chain_id),
        "address": target,
        "nonce": quantity(nonce),
        "v": quantity(signature[64]),
        "yParity": quantity(signature[64]),
        "r": quantity(int.from_bytes(signature[:32], "big")),
        "s": quantity(int.from_bytes(signature[32:64], "big")),
        "signer": address,
    }


def random_transaction(rng: random.Random, world: dict) -> tuple[dict, str]:
    """The transaction in the fixture's words, and the name of the fault put into it, if any."""
    kind = rng.choice([0, 1, 2, 2, 4])
    creates = kind != 4 and rng.random() < 0.15
    if creates:
        program = Program(rng)
        program.snippets(rng.randrange(1, 5))
        program.end()
        data = bytes(program.code)
    else:
        data = rng.randbytes(rng.choice([0, 4, 36, rng.randrange(400)]))
    to = "" if creates else rng.choice(CONTRACTS * 4 + AUTHORITIES + NOBODY + PRECOMPILES + [SENDER, COINBASE])
    gas = rng.choice([60_000, 200_000, 1_000_000, 5_000_000, GAS_LIMIT_TX_MAX])
    nonce = int(world[SENDER]["nonce"], 16)
    transaction = {
        "type": kind,
        "data": ["0x" + data.hex()],
        "gasLimit": [quantity(gas)],
        "value": [quantity(rng.choice([0, 0, 0, 1, 10**6, 10**15]))],
        "nonce": quantity(nonce),
        "sender": SENDER,
        "secretKey": "0x" + SENDER_SECRET.hex(),
        "to": to,
    }
    if kind in (0, 1):
        transaction["gasPrice"] = quantity(rng.choice([BASE_FEE_WEI, 10, 10**9]))
    else:
        tip = rng.choice([0, 1, 10**6])
        transaction["maxPriorityFeePerGas"] = quantity(tip)
        transaction["maxFeePerGas"] = quantity(tip + rng.choice([BASE_FEE_WEI, 10**9]))
    if kind:
        addresses = rng.sample(CONTRACTS + NOBODY + [COINBASE], rng.randrange(4))
        access = [{"address": a, "storageKeys": [padded(s) for s in range(rng.randrange(3))]} for a in addresses]
        transaction["accessLists"] = [access]
    if kind == 4:
        transaction["authorizationList"] = [authorization(rng, world) for _ in range(rng.randrange(1, 4))]

    fault = ""
    if rng.random() < 0.1:
        fault = rng.choice(["nonce_low", "nonce_high", "gas_low", "gas_over_cap", "fee_below_base", "poor", "initcode"])
        if fault == "nonce_low":
            world[SENDER]["nonce"] = quantity(nonce + 1)
        elif fault == "nonce_high":
            transaction["nonce"] = quantity(nonce + 1)
        elif fault == "gas_low":
            transaction["gasLimit"] = [quantity(rng.choice([0, 20_999]))]
        elif fault == "gas_over_cap":
            transaction["gasLimit"] = [quantity(GAS_LIMIT_TX_MAX + 1)]
        elif fault == "fee_below_base":
            name = "gasPrice" if kind in (0, 1) else "maxFeePerGas"
            transaction[name] = quantity(BASE_FEE_WEI - 1)
            if kind not in (0, 1):
                transaction["maxPriorityFeePerGas"] = "0x0"
        elif fault == "poor":
            world[SENDER]["balance"] = "0x1"
        elif fault == "initcode":
            if kind == 4:
                transaction["authorizationList"] = []
            else:
                transaction["to"] = ""
                transaction["data"] = ["0x" + "00" * (INITCODE_BYTES_MAX + 1)]
                transaction["gasLimit"] = [quantity(GAS_LIMIT_TX_MAX)]
    return transaction, fault


class Oracle:
    """EELS, in process."""

    def __init__(self, fork: str, cache: ForkCache) -> None:
        self.fork = fork
        self.cache = cache
        self.parser = create_parser()
        logging.disable(logging.CRITICAL)

    def fill(self, env: dict, world: dict, transaction: dict) -> T8N:
        single = {"data": "input", "gasLimit": "gas", "value": "value", "accessLists": "accessList"}
        transaction = {**transaction, "type": quantity(transaction["type"])}
        tx = {single.get(k, k): v[0] if k in single else v for k, v in transaction.items()}
        stdin = {"env": {**env, "blockHashes": {}, "withdrawals": []}, "alloc": world, "txs": [tx]}
        argv = ["t8n", "--state.fork", self.fork, "--state-test"]
        for name in ("alloc", "env", "txs"):
            argv += [f"--input.{name}", "stdin"]
        # A deep copy by way of text: EELS writes into what it is given.
        t8n = T8N(self.parser.parse_args(argv), StringIO(), StringIO(json.dumps(stdin)), self.cache)
        t8n.run_state_test()
        return t8n


def case(oracle: Oracle, seed: int, index: int, counts: collections.Counter) -> tuple[str, dict]:
    rng = random.Random(f"{seed}/{index}")
    world = random_world(rng)
    transaction, fault = random_transaction(rng, world)
    env = {
        "currentCoinbase": COINBASE,
        "currentGasLimit": quantity(60_000_000),
        "currentNumber": "0x1",
        "currentTimestamp": quantity(1_800_000_000),
        "currentBaseFee": quantity(BASE_FEE_WEI),
        "currentRandom": "0x" + rng.randbytes(32).hex(),
        "currentDifficulty": "0x0",
        "currentExcessBlobGas": "0x0",
    }
    filled = oracle.fill(env, world, transaction)
    result = filled.result
    rejected = bool(result.rejected)
    receipts = [receipt for _, receipt in result.receipts]
    post = {
        "hash": "0x" + result.state_root.hex(),
        "logs": "0x" + result.logs_hash.hex(),
        "indexes": {"data": 0, "gas": 0, "value": 0},
        "gasUsed": quantity(int(result.gas_used)),
        "state": complete(filled.alloc.to_json()),
    }
    if rejected:
        post["expectException"] = next(iter(result.rejected.values()))
    counts[f"type {transaction['type']}"] += 1
    counts["refused" if rejected else "succeeded" if receipts[0].succeeded else "failed inside"] += 1
    counts["with logs"] += any(receipt.logs for receipt in receipts)
    if fault:
        counts[f"fault {fault}"] += 1
    name = f"random_{seed}_{index:04}"
    return name, {
        "env": env,
        "pre": world,
        "transaction": transaction,
        "post": {oracle.fork: [post]},
        "config": {"chainid": "0x1"},
    }


def complete(state: dict) -> dict:
    """Every account with all four fields, as fixture readers expect."""
    blank = {"balance": "0x0", "nonce": "0x0", "code": "0x", "storage": {}}
    return {address: {**blank, **account} for address, account in sorted(state.items())}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="one case by its index")
    parser.add_argument("--fork", default="Osaka")
    args = parser.parse_args()

    args.out.mkdir(parents=True, exist_ok=True)
    for stale in args.out.glob("random_*.json"):
        stale.unlink()
    counts: collections.Counter = collections.Counter()
    indexes = [args.only] if args.only is not None else range(args.count)
    with ForkCache() as cache:
        oracle = Oracle(args.fork, cache)
        batch: dict = {}
        for at, index in enumerate(indexes):
            name, filled = case(oracle, args.seed, index, counts)
            batch[name] = filled
            if len(batch) == CASES_PER_FILE or at + 1 == len(indexes):
                path = args.out / f"random_{args.seed}_{at // CASES_PER_FILE:03}.json"
                path.write_text(json.dumps(batch, indent=1))
                batch = {}
                print(f"filled {at + 1} of {len(indexes)}", file=sys.stderr)
    print("generated " + str(len(indexes)) + ": " + ", ".join(f"{k} {v}" for k, v in sorted(counts.items())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
