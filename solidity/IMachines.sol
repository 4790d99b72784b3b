// SPDX-License-Identifier: MIT OR Apache-2.0
// Made by `cargo xtask gen`. Change the Rust source instead.
pragma solidity >=0.8.4;

/// Machines: who they are, what stands for their word, whether they are there, and what they proved to be able to do.
interface IMachines {
    /// What a machine says about itself. `kind` and `region` are open numbers: 1 gpu, 2 cpu, 3 sensor, 4 vehicle, 5 panel.
    struct Spec {
        uint16 kind;
        uint32 region;
        bytes32 hash;
        string uri;
    }

    /// A signature over EIP-712 data of the domain `Capstan Machines`, version 1.
    struct Signature {
        uint8 v;
        bytes32 r;
        bytes32 s;
    }

    /// A machine as it is now. `state` and `reason` are numbers of specs/machines.md. `darkFromMs` is when it would be dark if it stayed silent, `withdrawFromMs` when its bond may be taken, both zero where that does not apply.
    struct Machine {
        address key;
        address holder;
        Spec spec;
        uint64 sequence;
        uint8 state;
        uint8 reason;
        uint64 sinceMs;
        uint32 assetId;
        uint256 bond;
        uint256 bondMin;
        uint64 registeredMs;
        uint64 lastBeatMs;
        uint64 lateFromMs;
        uint64 darkFromMs;
        uint64 withdrawFromMs;
        uint64 lifeMs;
        uint32 darkCount;
        uint64 darkMs;
        uint64 lastDarkFromMs;
        uint64 challenge;
    }

    /// What a machine can do in one class of work, as it was last proven. Zero has a reason.
    struct Capacity {
        uint64 perHour;
        uint8 reason;
        uint64 challenge;
        uint64 provenMs;
        uint64 untilMs;
    }

    /// The last challenge of a machine. `phase` is a number of specs/machines.md, `dueMs` when that phase ends, zero where it has ended for good or waits for a block.
    struct Challenge {
        uint64 number;
        uint8 phase;
        uint64 dueMs;
        uint32 class;
        uint64 units;
        uint64 withinMs;
        uint64 askedMs;
        uint64 seedBlock;
        bytes32 seed;
        bytes32 answer;
        uint64 answeredMs;
        uint8 quorum;
        address[] auditors;
    }

    /// That a machine was there at a time, signed by its key.
    struct Beat {
        uint64 machineId;
        uint64 timeMs;
        Signature signature;
    }

    /// Readings of a machine over a time: the root of their Merkle tree, and the last of them. `decikelvin` are tenths of a kelvin.
    struct Readings {
        uint64 sequence;
        uint64 fromMs;
        uint64 toMs;
        bytes32 root;
        uint32 count;
        uint32 watts;
        uint16 decikelvin;
        uint16 utilisationBps;
    }

    /// Everything that may be tuned; see specs/machines.md for units and ranges.
    struct MachineParams {
        uint32 assetId;
        uint256 bondMin;
        uint64 unbondMs;
        uint64 intervalMs;
        uint64 graceMs;
        uint64 probationMs;
        uint64 lateMs;
        uint64 gapMs;
        uint64 answerMs;
        uint64 commitMs;
        uint64 revealMs;
        uint64 capacityAgeMs;
        uint16 slashBps;
        uint8 quorum;
    }

    /// A machine came.
    event MachineRegistered(uint64 indexed machineId, address indexed key, address indexed holder, uint32 assetId, uint256 bond);
    /// A machine has another key. The old one is never anybody's again.
    event MachineRotated(uint64 indexed machineId, address indexed oldKey, address indexed newKey);
    /// A machine says something else about itself.
    event MachineSpecified(uint64 indexed machineId, uint64 sequence, Spec spec);
    /// A bond grew.
    event BondAdded(uint64 indexed machineId, address indexed from, uint256 amount, uint256 bond);
    /// A machine leaves; its bond may be taken from `withdrawFromMs` on.
    event MachineLeaving(uint64 indexed machineId, uint64 withdrawFromMs);
    /// A machine is gone, its bond with the holder of its title.
    event MachineGone(uint64 indexed machineId, address indexed holder, uint256 bond);
    /// A part of a bond was taken.
    event BondSlashed(uint64 indexed machineId, address indexed to, uint8 index, uint256 amount, uint256 bond, uint8 reason);
    /// What was taken from bonds went on.
    event ForfeitSent(uint32 indexed assetId, address indexed to, uint8 index, uint256 amount);
    /// A machine was there at `timeMs`.
    event MachineSeen(uint64 indexed machineId, uint64 timeMs, uint64 lifeMs);
    /// A machine was away for longer than it may, and is back.
    event MachineWasDark(uint64 indexed machineId, uint64 fromMs, uint64 toMs, uint32 count);
    /// A machine has proven its life, or the life that it was asked for after a wrong answer.
    event ProbationPassed(uint64 indexed machineId, uint64 lifeMs);
    /// A message of a batch did not count; the others did.
    event BeatIgnored(uint64 indexed machineId, uint64 timeMs, uint8 why);
    /// Readings came.
    event TelemetryReported(uint64 indexed machineId, Readings readings);
    /// A machine is asked for work out of the hash of a block that nobody knows yet.
    event ChallengeAsked(uint64 indexed machineId, uint64 indexed number, address indexed by, uint32 class, uint64 units, uint64 withinMs, uint64 seedBlock, uint64 answerByMs);
    /// The work is known.
    event ChallengeDrawn(uint64 indexed machineId, uint64 indexed number, bytes32 seed);
    /// A machine committed to its output.
    event ChallengeAnswered(uint64 indexed machineId, uint64 indexed number, bytes32 answer);
    /// An auditor committed to his.
    event AuditCommitted(uint64 indexed machineId, uint64 indexed number, address indexed auditor);
    /// An auditor showed his.
    event AuditRevealed(uint64 indexed machineId, uint64 indexed number, address indexed auditor, bytes32 output);
    /// An auditor found something else than a quorum did.
    event AuditorDiffered(uint64 indexed number, address indexed auditor);
    /// A challenge ended; `perHour` is what it proved.
    event ChallengeSettled(uint64 indexed machineId, uint64 indexed number, uint8 phase, uint64 perHour);
    /// Parameters count from `fromMs` on.
    event MachineParamsSet(MachineParams params, uint64 fromMs);
    /// The set of stopped verbs.
    event MachinesPausedSet(uint8 verbs);
    /// A title is security for a debt, which `by` looks after.
    event TitleLocked(uint64 indexed machineId, address indexed by);
    /// A title is free again.
    event TitleUnlocked(uint64 indexed machineId);

    /// No machine has this number. Look at `machineCount`.
    error MachinesUnknown(uint64 machineId);
    /// The owner of the scope has set no parameters yet. Wait for `setParams`.
    error MachinesNotOpen();
    /// The verb is stopped. Wait until the owner lets it go on; leaving is never stopped.
    error MachinesPaused(uint8 verb);
    /// A parameter is out of its range.
    error MachinesParamOutOfRange(string what, uint256 value, uint256 min, uint256 max);
    /// An amount of zero does nothing.
    error MachinesZeroAmount();
    /// This key is, or was, a machine's. Make a new one.
    error MachinesKeyUsed(address key, uint64 machineId);
    /// The signature is not this key's, or over something else. Sign again, for this chain and this contract.
    error MachinesBadSignature(address key);
    /// The signature has run out. Sign again with a later deadline.
    error MachinesExpired(uint64 deadlineMs, uint64 nowMs);
    /// Only the machine's key may do this.
    error MachinesNotKey(uint64 machineId, address key, address caller);
    /// Only the holder of the machine's title may do this.
    error MachinesNotHolder(uint64 machineId, address holder, address caller);
    /// The bond would be too small. Put in at least `least`.
    error MachinesBondTooSmall(uint256 bond, uint256 least);
    /// The number of an edit or of readings rises. Use a higher one than `last`.
    error MachinesSequenceUsed(uint64 sequence, uint64 last);
    /// The machine left. Register another.
    error MachinesLeft(uint64 machineId);
    /// The machine does not leave. Call `leave` first.
    error MachinesNotLeaving(uint64 machineId);
    /// The bond may be taken later.
    error MachinesNotRipe(uint64 machineId, uint64 withdrawFromMs, uint64 nowMs);
    /// The beat is not after the last one, or not in the past, or older than messages may be.
    error MachinesBeatRefused(uint64 machineId, uint64 timeMs, uint8 why);
    /// Too many messages at once.
    error MachinesTooMany(uint256 count, uint256 max);
    /// Readings older than `lateMs` are worth nothing. Send them sooner.
    error MachinesTelemetryLate(uint64 toMs, uint64 nowMs, uint64 lateMs);
    /// Readings are of a time after the last ones and before now, at least one, of at most all of the time.
    error MachinesTelemetryInvalid(uint64 fromMs, uint64 toMs, uint64 lastToMs, uint64 nowMs);
    /// Only the holder, the machine's key, or an auditor asks.
    error MachinesNotAsker(uint64 machineId, address caller);
    /// A challenge is open. Wait until it is settled.
    error MachinesChallengeOpen(uint64 machineId, uint64 number, uint8 phase);
    /// The machine was asked a short time ago. Ask after `fromMs`.
    error MachinesAskedLately(uint64 machineId, uint64 fromMs);
    /// The challenge is in another phase. Look at `challenge`.
    error MachinesWrongPhase(uint64 machineId, uint64 number, uint8 phase);
    /// The hash of the seed's block is not known yet, or no longer. Draw after it and within 256 blocks.
    error MachinesNoSeed(uint64 seedBlock, uint64 block);
    /// Whoever holds a machine or is one does not audit it.
    error MachinesOwnAudit(uint64 machineId, address auditor);
    /// The auditor committed already.
    error MachinesCommitted(uint64 number, address auditor);
    /// The auditor's commitment is to something else, or there is none, or it was revealed.
    error MachinesNotCommitted(uint64 number, address auditor);
    /// The title is security for a debt. Pay it in the room `by` first.
    error MachinesLocked(uint64 machineId, address by);
    /// The panel is full.
    error MachinesPanelFull(uint64 number, uint256 max);

    /// How many machines there ever were; their numbers count from zero.
    function machineCount() external view returns (uint64);
    /// A machine as it is now.
    function machine(uint64 machineId) external view returns (Machine memory);
    /// The machine that this key is or was, if it was ever one's.
    function machineOf(address key) external view returns (bool found, uint64 machineId, bool isCurrent);
    /// Machines whose title somebody holds, among `count` from number `from` on, and the number from which to go on; zero when all were looked at.
    function machinesOf(address holder, uint64 from, uint64 count) external view returns (uint64[] memory machineIds, uint64 next);
    /// What a machine can do in one class of work.
    function capacity(uint64 machineId, uint32 class) external view returns (Capacity memory);
    /// The last challenge of a machine.
    function challenge(uint64 machineId) external view returns (Challenge memory);
    /// The room for which a title is security; the zero address where it is free.
    function lockedBy(uint64 machineId) external view returns (address);
    /// The last readings of a machine.
    function readings(uint64 machineId) external view returns (Readings memory);
    /// How often an auditor found what a quorum found, something else, or showed nothing.
    function auditorRecord(address auditor) external view returns (uint32 agreed, uint32 differed, uint32 silent);
    /// Parameters in force, those that follow, and when; zero if none do.
    function params() external view returns (MachineParams memory current, MachineParams memory next, uint64 nextFromMs);
    /// The set of stopped verbs.
    function paused() external view returns (uint8);
    /// What ties signatures to this contract on this chain (EIP-712).
    function DOMAIN_SEPARATOR() external view returns (bytes32);

    /// Registers a machine for the caller, who puts up its bond and gets its title. The key agrees by signing `Registration(address holder,uint64 deadlineMs)`.
    function register(address key, Spec calldata spec, uint256 bond, uint64 deadlineMs, Signature calldata consent) external returns (uint64 machineId);
    /// Gives a machine a new key. Both keys sign `Rotation(uint64 machineId,address newKey,uint64 deadlineMs)`; anybody sends it.
    function rotate(uint64 machineId, address newKey, uint64 deadlineMs, Signature calldata byOld, Signature calldata byNew) external;
    /// Says something else about the machine whose key calls.
    function specify(uint64 machineId, Spec calldata spec) external;
    /// The same by `Specification(uint64 machineId,uint16 kind,uint32 region,bytes32 hash,string uri,uint64 sequence)`, signed by the key; anybody sends it.
    function specifySigned(uint64 machineId, Spec calldata spec, uint64 sequence, Signature calldata signature) external;

    /// Adds tokens of the caller to a bond. Answers what arrived.
    function addBond(uint64 machineId, uint256 amount) external returns (uint256);
    /// Begins to leave, for good. The bond stays slashable until it is taken.
    function leave(uint64 machineId) external returns (uint64 withdrawFromMs);
    /// Sends the bond of a machine that left to the wallet of its holder, who calls.
    function withdraw(uint64 machineId) external returns (uint256);
    /// The same to an account of his, where the border of the asset is closed.
    function withdrawToAccount(uint64 machineId, uint8 index) external returns (uint256);
    /// Sends what was taken from bonds on. For the owner of the scope.
    function sendForfeit(uint32 assetId, address to, uint8 index, uint256 amount) external;

    /// Says that the machine whose key calls is there.
    function beat(uint64 machineId) external;
    /// Brings beats of many machines, signed as `Beat(uint64 machineId,uint64 timeMs)`. Answers for each zero, or why it did not count.
    function beats(Beat[] calldata all) external returns (uint8[] memory);
    /// Brings readings, signed by the machine's key as `Readings(uint64 machineId,uint64 sequence,uint64 fromMs,uint64 toMs,bytes32 root,uint32 count,uint32 watts,uint16 decikelvin,uint16 utilisationBps)`.
    function report(uint64 machineId, Readings calldata batch, Signature calldata signature) external;

    /// Asks a machine for `units` of a class of work. `withinMs` is the fastest that counts.
    function ask(uint64 machineId, uint32 class, uint64 units, uint64 withinMs) external returns (uint64 number);
    /// Fixes the seed once the hash of its block is known.
    function draw(uint64 machineId) external returns (bytes32 seed);
    /// Answers for the machine whose key calls: `keccak256(abi.encode(number, machineId, output))`.
    function answer(uint64 machineId, bytes32 commitment) external;
    /// The same by `Answer(uint64 machineId,uint64 number,bytes32 commitment)`, signed by the key; anybody sends it.
    function answerSigned(uint64 machineId, bytes32 commitment, Signature calldata signature) external;
    /// Commits an auditor to the output that he computed: `keccak256(abi.encode(number, auditor, output, salt))`.
    function commitAudit(uint64 machineId, bytes32 commitment) external;
    /// Shows it.
    function revealAudit(uint64 machineId, bytes32 output, bytes32 salt) external;
    /// Ends a challenge that is decided. Anybody may.
    function settle(uint64 machineId) external returns (uint8 phase);

    /// Sets parameters, for the owner of the scope.
    function setParams(MachineParams calldata params) external;
    /// Stops verbs, for guards and the owner.
    function pause(uint8 verbs) external;
    /// Lets them go on, for the owner.
    function resume(uint8 verbs) external;
}
