//! The interface of `jobs` and its table of verbs.

use alloy_sol_types::sol;

use super::{audit, channels, claims, classes, customers, earnings, listing, offers, show, views};
use crate::admin::Pausing;
use IJobs::*;

sol! {
    /// Jobs: what work costs, who sells it, who pays for it, and what becomes of work that was not what it said.
    #[sol(abi)]
    #[derive(Debug, Default, PartialEq, Eq)]
    interface IJobs {
        /// A signature over EIP-712 data of the domain `Capstan Jobs`, version 1. It may be empty where the signer calls.
        struct Signature {
            uint8 v;
            bytes32 r;
            bytes32 s;
        }

        /// A class of work. Prices are of a million units, in smallest units of the asset, at level one; a level is of 10^9. `inputsPerOutput` is how many units read weigh one that is written.
        struct ServiceClass {
            bytes32 program;
            bytes32 quantisation;
            uint256 inputPrice;
            uint256 outputPrice;
            uint64 levelMin;
            uint64 levelMax;
            uint16 stepBps;
            uint16 targetBps;
            uint32 inputsPerOutput;
            bool isClosed;
        }

        /// What a class costs in a region in an epoch, and what moves it. `used` is work claimed in this epoch so far, `offered` what offers could do in one.
        struct Price {
            uint64 epoch;
            uint64 level;
            uint64 levelBefore;
            uint256 inputPrice;
            uint256 outputPrice;
            uint64 used;
            uint64 offered;
        }

        /// What a machine offers: its floor prices of a million units, and where it answers.
        struct OfferTerms {
            uint64 machineId;
            uint32 classId;
            uint256 inputFloor;
            uint256 outputFloor;
            bool isOpen;
            uint64 sequence;
            string endpoint;
        }

        /// An offer as it stands. `state` and `reason` are the machine's; prices are those of this epoch, floors and the region's price together; `perEpoch` is what it can do in an epoch, `allowed` how much may be claimed and not be worked off at that, `used` how much is as of the last epoch.
        struct Offer {
            OfferTerms terms;
            uint64 floorsFrom;
            uint32 region;
            uint8 state;
            uint8 reason;
            uint256 inputPrice;
            uint256 outputPrice;
            uint64 perEpoch;
            uint64 allowed;
            uint64 used;
            uint256 bond;
            uint256 reserved;
        }

        /// What a spending key may spend: in all, and in each `periodMs`, until `untilMs`.
        struct KeyLimits {
            uint256 total;
            uint256 perPeriod;
            uint64 periodMs;
            uint64 untilMs;
        }

        /// A spending key as it stands. `left` is what it may bind now.
        struct SpendingKey {
            KeyLimits limits;
            bool isRevoked;
            uint256 spent;
            uint256 spentInPeriod;
            uint256 left;
        }

        /// A customer: free units, those that are bound to machines, those in claims that are not settled, and those that were paid.
        struct Customer {
            uint256 free;
            uint256 bound;
            uint256 claimed;
            uint256 paid;
            uint64 sinceMs;
            address[] keys;
            bytes32 lastChannel;
        }

        /// Binds units of a customer to a channel, by the word of his spending key. `sequence` rises in each channel.
        struct Hold {
            address customer;
            address key;
            uint64 machineId;
            uint32 classId;
            uint64 sequence;
            uint256 amount;
            uint64 untilMs;
        }

        /// What binds a customer to a machine. `held = bound + claimed + paid + returned`. Vouchers are of epochs up to `lastEpoch`; what is bound is free again from `freeFromMs` on.
        struct Channel {
            address customer;
            address key;
            uint64 machineId;
            uint32 classId;
            uint64 sequence;
            uint64 untilMs;
            uint64 lastEpoch;
            uint64 freeFromMs;
            uint64 claimedEpoch;
            uint256 held;
            uint256 bound;
            uint256 claimed;
            uint256 paid;
            uint256 returned;
            bytes32 previous;
        }

        /// What a channel owes for one epoch: the sum of all its receipts of that epoch, the dearest of them, and the root of their Merkle tree. Each request raises it; the last one is claimed. Signed by the spending key and by the machine's key.
        struct Voucher {
            bytes32 channel;
            uint64 epoch;
            uint256 cost;
            uint256 largest;
            uint64 inputUnits;
            uint64 outputUnits;
            uint32 receipts;
            bytes32 root;
        }

        /// What a machine did; its EIP-712 digest in the domain `Capstan Receipt`, version 1, is a leaf under a voucher's root. Here `cost` is in smallest units of the asset, and `payer` the spending key's address.
        struct Receipt {
            bytes32 job;
            bytes32 program;
            bytes32 input;
            bytes32 output;
            bytes32[] parents;
            bytes32 payer;
            address machine;
            uint64 startedMs;
            uint64 firstMs;
            uint64 tookMs;
            uint64 inputUnits;
            uint64 outputUnits;
            uint128 cost;
            uint64 energyMj;
            uint8 outcome;
            bytes32 notes;
        }

        /// A claim. `phase` and `reason` are numbers of specs/jobs.md; `dueMs` is when the phase ends, zero where it has ended for good; `slash` is what of the bond stands for it.
        struct Claim {
            bytes32 channel;
            uint64 machineId;
            uint32 classId;
            address customer;
            Voucher voucher;
            uint8 phase;
            uint8 reason;
            uint64 dueMs;
            uint64 madeMs;
            uint64 seedBlock;
            bytes32 seed;
            uint32[] picks;
            uint256 slash;
            uint256 fee;
            uint256 inputPrice;
            uint256 outputPrice;
        }

        /// One receipt of a claim that was picked: its index, its digest once it is shown, and what auditors said so far.
        struct Pick {
            uint32 index;
            bytes32 receipt;
            address[] auditors;
            uint32 revealed;
            uint8 verdict;
        }

        /// What came of a machine's claims. `funded` is what customers have bound to it and it has not been paid.
        struct MachineRecord {
            uint64 claimsPaid;
            uint64 claimsVoid;
            uint64 receiptsPaid;
            uint64 receiptsVoid;
            uint256 funded;
            uint256 earned;
            uint256 slashed;
            uint8 lastReason;
            uint64 lastVoidMs;
        }

        /// Everything that may be tuned; see specs/jobs.md for units and ranges.
        struct JobParams {
            uint32 assetId;
            uint64 epochMs;
            uint64 holdMs;
            uint64 showMs;
            uint64 commitMs;
            uint64 revealMs;
            uint32 auditPpm;
            uint32 detectPpm;
            uint16 feeBps;
            uint256 feeFlat;
            uint64 probationUnits;
            uint8 quorum;
            uint256 auditPay;
        }

        /// A class of work was opened.
        event ClassOpened(uint32 indexed classId, ServiceClass class);
        /// Nothing new begins in a class.
        event ClassClosed(uint32 indexed classId);
        /// The level of a price moved.
        event PriceMoved(uint32 indexed classId, uint32 indexed region, uint64 epoch, uint64 level);
        /// A machine offers a class, or no longer.
        event Offered(uint64 indexed machineId, uint32 indexed classId, OfferTerms terms, uint64 floorsFrom);
        /// Units came in for a customer.
        event Deposited(address indexed customer, address indexed from, uint256 amount, uint256 free);
        /// A customer took free units out.
        event Withdrawn(address indexed customer, uint256 amount, uint256 free);
        /// A spending key has these limits.
        event KeySet(address indexed customer, address indexed key, KeyLimits limits);
        /// A spending key binds nothing any more.
        event KeyRevoked(address indexed customer, address indexed key);
        /// Units of a customer are bound to a channel.
        event Held(bytes32 indexed channel, address indexed customer, uint64 indexed machineId, uint64 sequence, uint256 amount, uint256 bound, uint64 untilMs);
        /// What was bound is the customer's again.
        event Released(bytes32 indexed channel, address indexed customer, uint256 amount);
        /// A machine claims.
        event Claimed(uint64 indexed claimId, bytes32 indexed channel, uint64 indexed machineId, uint64 epoch, uint256 cost, uint32 receipts, bytes32 root, uint64 seedBlock);
        /// Which receipts of a claim are audited is known. They are shown until `showByMs`.
        event ClaimDrawn(uint64 indexed claimId, bytes32 seed, uint32[] picks, uint64 showByMs);
        /// A receipt that was picked was shown.
        event ReceiptShown(uint64 indexed claimId, uint32 indexed pick, bytes32 receipt);
        /// A claim was paid: `amount` to whoever has the machine's income, the fee before it.
        event ClaimPaid(uint64 indexed claimId, uint64 indexed machineId, address indexed customer, uint256 amount, uint256 fee);
        /// A claim is void: everything went back to the customer, and the bond lost `slashed`.
        event ClaimVoid(uint64 indexed claimId, uint64 indexed machineId, address indexed customer, uint8 reason, uint256 refunded, uint256 slashed);
        /// A claim could not be settled; the block tries again.
        event ClaimFailed(uint64 indexed claimId, bytes reason, uint64 retryMs);
        /// So many claims wait for the next block.
        event ClaimsLeft(uint256 count);
        /// An auditor committed to what he found.
        event AuditCommitted(uint64 indexed claimId, uint32 indexed pick, address indexed auditor);
        /// An auditor showed it.
        event AuditRevealed(uint64 indexed claimId, uint32 indexed pick, address indexed auditor, uint8 verdict, bytes32 witness);
        /// An auditor found something else than a quorum did.
        event AuditorDiffered(uint64 indexed claimId, uint32 indexed pick, address indexed auditor);
        /// An auditor earned so much by what he found of a claim's picks.
        event AuditPaid(uint64 indexed claimId, address indexed auditor, uint256 amount);
        /// An auditor took out what he earned; so much is owed to him still.
        event AuditPayWithdrawn(address indexed auditor, uint256 amount, uint256 owed);
        /// Fees, or what bonds lost, went on.
        event TakingsSent(uint8 indexed index, uint32 assetId, address indexed to, uint8 toIndex, uint256 amount);
        /// Parameters count from `fromMs` on.
        event JobParamsSet(JobParams params, uint64 fromMs);
        /// The set of stopped verbs.
        event JobsPausedSet(uint8 verbs);

        /// The owner of the scope has set no parameters yet. Wait for `setParams`.
        error JobsNotOpen();
        /// The verb is stopped. Wait until the owner lets it go on; claims, releases and withdrawals are never stopped.
        error JobsPaused(uint8 verb);
        /// A parameter is out of its range.
        error JobsParamOutOfRange(string what, uint256 value, uint256 min, uint256 max);
        /// Asset and length of an epoch never change.
        error JobsParamFixed(string what, uint256 value, uint256 fixedValue);
        /// An amount of zero does nothing.
        error JobsZeroAmount();
        /// The signature is not this key's, or over something else. Sign again, for this chain and this contract.
        error JobsBadSignature(address key);
        /// No class has this number. Look at `classes`.
        error JobsUnknownClass(uint32 classId);
        /// The class is there already. Open another number.
        error JobsClassTaken(uint32 classId);
        /// The class is closed. Use another.
        error JobsClassClosed(uint32 classId);
        /// There are as many classes, keys of a customer or offers of a class as there may be.
        error JobsFull(string what, uint256 max);
        /// The machine offers nothing of this class. Choose another.
        error JobsNoOffer(uint64 machineId, uint32 classId);
        /// The machine does not serve now; state and reason say why. Choose another, or bring it back.
        error JobsNotServing(uint64 machineId, uint8 state, uint8 reason);
        /// The bond is in another asset than jobs are paid in. Register the machine with the right one.
        error JobsBondAsset(uint64 machineId, uint32 bondAssetId, uint32 assetId);
        /// A bond may leave before claims are settled. The owner shortens audits or the other room's delay grows.
        error JobsBondLeavesEarly(uint64 unbondMs, uint64 auditMs);
        /// A number of an offer or a hold rises. Use a higher one than `last`.
        error JobsSequenceUsed(uint64 sequence, uint64 last);
        /// Floors changed a short time ago. Change them from epoch `fromEpoch` on.
        error JobsFloorsChangedLately(uint64 machineId, uint32 classId, uint64 fromEpoch);
        /// The customer has fewer free units. Deposit more.
        error JobsPoor(address customer, uint256 free, uint256 need);
        /// The customer has no such key, or it is revoked or over. Set it.
        error JobsKeyInvalid(address customer, address key, uint64 untilMs);
        /// The key may bind no more. Raise its limits, or wait for its next period.
        error JobsKeyLimit(address customer, address key, uint256 left, uint256 need);
        /// A hold ends in the future, and not too far in it.
        error JobsHoldOutOfRange(uint64 untilMs, uint64 nowMs, uint64 latestMs);
        /// There is no such channel. Hold first.
        error JobsNoChannel(bytes32 channel);
        /// What is bound is free later.
        error JobsNotReleasable(bytes32 channel, uint64 freeFromMs, uint64 nowMs);
        /// Vouchers of an epoch are claimed in the next one. This one is too early or too late.
        error JobsWrongEpoch(uint64 epoch, uint64 claimable);
        /// An epoch of a channel is claimed once.
        error JobsClaimed(bytes32 channel, uint64 epoch);
        /// The voucher is of an epoch behind the end of the hold.
        error JobsHoldOver(bytes32 channel, uint64 epoch, uint64 lastEpoch);
        /// The voucher contradicts itself: `what` says where.
        error JobsBadVoucher(string what);
        /// The voucher asks for more than is bound to its channel.
        error JobsOverBound(bytes32 channel, uint256 bound, uint256 cost);
        /// The voucher asks for more than its units cost in its epoch.
        error JobsOverPriced(uint256 cost, uint256 most);
        /// The machine would be further ahead of what it has proven that it can do than it may be.
        error JobsOverCapacity(uint64 machineId, uint32 classId, uint64 epoch, uint64 work, uint64 allowed);
        /// The bond does not cover what a lie in this claim must cost. Add to it, or wait until other claims are settled.
        error JobsOverBond(uint64 machineId, uint256 bond, uint256 reserved, uint256 need);
        /// The claim is smaller than its fee.
        error JobsTooSmall(uint256 cost, uint256 fee);
        /// There is no such claim.
        error JobsNoClaim(uint64 claimId);
        /// The claim is in another phase. Look at `claimOf`.
        error JobsWrongPhase(uint64 claimId, uint8 phase);
        /// The claim has no such pick, or the receipt has another index.
        error JobsNotPicked(uint64 claimId, uint32 pick);
        /// The receipt was shown already.
        error JobsShown(uint64 claimId, uint32 pick);
        /// The receipt is not under the root of the claim at this index.
        error JobsNotInClaim(uint64 claimId, uint32 index);
        /// The two receipts are the same one, or of different machines or jobs: they prove nothing.
        error JobsNoTwin();
        /// Whoever holds a machine, is it, or pays it does not audit it.
        error JobsOwnAudit(uint64 claimId, address auditor);
        /// The auditor committed already.
        error JobsCommitted(uint64 claimId, uint32 pick, address auditor);
        /// The auditor's commitment is to something else, or there is none, or it was revealed.
        error JobsNotCommitted(uint64 claimId, uint32 pick, address auditor);
        /// The auditor has earned less, or took it out. Look at `auditEarnings`.
        error JobsNotEarned(address auditor, uint256 owed, uint256 need);
        /// No verdict has this number.
        error JobsNoVerdict(uint8 verdict);
        /// The panel is full.
        error JobsPanelFull(uint64 claimId, uint32 pick, uint256 max);
        /// The calldata of the block's work does not decode.
        error JobsMalformed();
        /// Too many claims at once.
        error JobsTooMany(uint256 count, uint256 max);

        /// Numbers of all classes.
        function classes() external view returns (uint32[] memory);
        /// One class.
        function classOf(uint32 classId) external view returns (ServiceClass memory);
        /// What a class costs in a region now.
        function priceOf(uint32 classId, uint32 region) external view returns (Price memory);
        /// Machines that offer or offered a class, `count` from place `from` on, and the place from which to go on; zero when that were all.
        function machinesIn(uint32 classId, uint32 from, uint32 count) external view returns (uint64[] memory machineIds, uint32 next);
        /// What a machine offers of a class.
        function offerOf(uint64 machineId, uint32 classId) external view returns (Offer memory);
        /// A customer.
        function customerOf(address customer) external view returns (Customer memory);
        /// A spending key of a customer.
        function keyOf(address customer, address key) external view returns (SpendingKey memory);
        /// The number of a channel.
        function channelId(address customer, address key, uint64 machineId, uint32 classId) external view returns (bytes32);
        /// A channel.
        function channelOf(bytes32 channel) external view returns (Channel memory);
        /// How many claims there ever were; their numbers count from one.
        function claimCount() external view returns (uint64);
        /// A claim.
        function claimOf(uint64 claimId) external view returns (Claim memory);
        /// Claims of a machine, the newest first, `count` of them before number `before`; zero is behind the last.
        function claimsOf(uint64 machineId, uint64 before, uint64 count) external view returns (uint64[] memory claimIds);
        /// A receipt that was picked for an audit.
        function pickOf(uint64 claimId, uint32 pick) external view returns (Pick memory);
        /// What came of a machine's claims.
        function machineRecord(uint64 machineId) external view returns (MachineRecord memory);
        /// How often an auditor found what a quorum found, something else, or showed nothing.
        function auditorRecord(address auditor) external view returns (uint32 agreed, uint32 differed, uint32 silent);
        /// What an auditor has earned and not taken out, and what he earned in all.
        function auditEarnings(address auditor) external view returns (uint256 owed, uint256 earned);
        /// The epoch that runs, when it began and when it ends.
        function epoch() external view returns (uint64 number, uint64 startMs, uint64 endMs);
        /// The digest of a receipt: the leaf under a voucher's root.
        function receiptDigest(Receipt calldata receipt) external view returns (bytes32);
        /// Parameters in force, those that follow, and when; zero if none do.
        function params() external view returns (JobParams memory current, JobParams memory next, uint64 nextFromMs);
        /// The set of stopped verbs.
        function paused() external view returns (uint8);
        /// What ties signatures to this contract on this chain (EIP-712).
        function DOMAIN_SEPARATOR() external view returns (bytes32);

        /// Opens a class of work, for the owner of the scope. It never changes. The number is that of the class that machines are challenged in.
        function openClass(uint32 classId, ServiceClass calldata class) external;
        /// Lets nothing new begin in a class, for the owner. What stands goes on.
        function closeClass(uint32 classId) external;
        /// Offers a class, or ends that: by the machine's key, or with its signature of `Offer(uint64 machineId,uint32 classId,uint256 inputFloor,uint256 outputFloor,bool isOpen,uint64 sequence,string endpoint)`. Floors count from the next epoch on.
        function offer(OfferTerms calldata terms, Signature calldata signature) external;
        /// Looks anew at what a machine can do, for the price of its class. Anybody may.
        function refresh(uint64 machineId, uint32 classId) external;

        /// Brings tokens of the caller in for a customer. Answers what arrived.
        function deposit(address customer, uint256 amount) external returns (uint256);
        /// Sends free units to the wallet of the customer, who calls.
        function withdraw(uint256 amount) external;
        /// The same to an account of his, where the border of the asset is closed.
        function withdrawToAccount(uint8 index, uint256 amount) external;
        /// Says what a key may spend for the caller.
        function setKey(address key, KeyLimits calldata limits) external;
        /// Ends a key of the caller. It binds nothing more; what it has bound comes back when its holds are over.
        function revokeKey(address key) external;

        /// Binds units to a channel: by the spending key, or with its signature of `Hold(address customer,address key,uint64 machineId,uint32 classId,uint64 sequence,uint256 amount,uint64 untilMs)`. Anybody carries it. Answers the channel.
        function hold(Hold calldata terms, Signature calldata signature) external returns (bytes32 channel);
        /// Gives the customer back what is bound and not claimed: by the machine's key at any time, or with its signature of `Close(bytes32 channel,uint64 sequence)`; by anybody once the channel is over. Answers how much.
        function release(bytes32 channel, Signature calldata byMachine) external returns (uint256);

        /// Claims what a channel owes for the epoch that is over. Both keys sign `Voucher(bytes32 channel,uint64 epoch,uint256 cost,uint256 largest,uint64 inputUnits,uint64 outputUnits,uint32 receipts,bytes32 root)`; anybody carries it.
        function claim(Voucher calldata voucher, Signature calldata byKey, Signature calldata byMachine) external returns (uint64 claimId);
        /// Shows a receipt that was picked, with its Merkle proof. Anybody may. One that is bad by itself voids the claim at once.
        function show(uint64 claimId, uint32 pick, Receipt calldata receipt, bytes32[] calldata proof) external;
        /// Shows one job in two receipts of one machine: the later claim is void if it is open, else the other. Anybody may.
        function showTwin(uint64 claimA, uint32 indexA, Receipt calldata receiptA, bytes32[] calldata proofA, uint64 claimB, uint32 indexB, Receipt calldata receiptB, bytes32[] calldata proofB) external returns (uint64 voided);
        /// Commits an auditor to what he found of a receipt that was shown: `keccak256(abi.encode(claimId, pick, auditor, verdict, witness, salt))`.
        function commitAudit(uint64 claimId, uint32 pick, bytes32 commitment) external;
        /// Shows it. `verdict` is zero where the work is right, else the number of what is wrong.
        function revealAudit(uint64 claimId, uint32 pick, uint8 verdict, bytes32 witness, bytes32 salt) external;

        /// Sends what the auditor who calls has earned to his wallet.
        function withdrawAuditPay(uint256 amount) external;
        /// The same to an account of his, where the border of the asset is closed.
        function withdrawAuditPayToAccount(uint8 index, uint256 amount) external;

        /// Sends fees (1) or what bonds lost (2) on. For the owner of the scope.
        function sendTakings(uint8 index, address to, uint8 toIndex, uint256 amount) external;
        /// Sets parameters, for the owner of the scope.
        function setParams(JobParams calldata params) external;
        /// Stops verbs, for guards and the owner.
        function pause(uint8 verbs) external;
        /// Lets them go on, for the owner.
        function resume(uint8 verbs) external;
    }
}

crate::verbs! { IJobsCalls;
    classesCall: View, 40 => |cx, _| views::classes(cx);
    classOfCall: View, 100 => |cx, c| views::class(cx, c.classId);
    priceOfCall: View, 200 => |cx, c| views::price(cx, c.classId, c.region);
    machinesInCall: View, 100 => |cx, c| views::machines_in(cx, c.classId, c.from, c.count);
    offerOfCall: View, 400 => |cx, c| views::offer(cx, c.machineId, c.classId);
    customerOfCall: View, 100 => |cx, c| views::customer(cx, c.customer);
    keyOfCall: View, 100 => |cx, c| views::key(cx, c.customer, c.key);
    channelIdCall: View, 60 => |cx, c| channels::id_of(cx, c.customer, c.key, c.machineId, c.classId);
    channelOfCall: View, 100 => |cx, c| views::channel(cx, c.channel);
    claimCountCall: View, 40 => |cx, _| views::claim_count(cx);
    claimOfCall: View, 300 => |cx, c| views::claim(cx, c.claimId);
    claimsOfCall: View, 100 => |cx, c| views::claims_of(cx, c.machineId, c.before, c.count);
    pickOfCall: View, 200 => |cx, c| views::pick(cx, c.claimId, c.pick);
    machineRecordCall: View, 60 => |cx, c| views::machine_record(cx, c.machineId);
    auditorRecordCall: View, 60 => |cx, c| views::auditor_record(cx, c.auditor);
    auditEarningsCall: View, 60 => |cx, c| earnings::of(cx, c.auditor);
    epochCall: View, 40 => |cx, _| views::epoch(cx);
    receiptDigestCall: View, 300 => |cx, c| super::receipt::digest(cx, &c.receipt);
    paramsCall: View, 100 => |cx, _| views::params(cx);
    pausedCall: View, 40 => |cx, _| views::paused(cx);
    DOMAIN_SEPARATORCall: View, 100 => |cx, _| super::signed::domain_separator(cx);
    openClassCall: Write, 200 => |cx, c| classes::open(cx, c.classId, &c.class);
    closeClassCall: Write, 100 => |cx, c| classes::close(cx, c.classId);
    offerCall: Write, 400 => |cx, c| offers::offer(cx, &c.terms, &c.signature);
    refreshCall: Write, 300 => |cx, c| offers::refresh(cx, c.machineId, c.classId);
    depositCall: Write, 200 => |cx, c| customers::deposit(cx, c.customer, c.amount);
    withdrawCall: Write, 200 => |cx, c| customers::withdraw(cx, c.amount);
    withdrawToAccountCall: Write, 200 => |cx, c| customers::withdraw_to_account(cx, c.index, c.amount);
    setKeyCall: Write, 200 => |cx, c| customers::set_key(cx, c.key, &c.limits);
    revokeKeyCall: Write, 100 => |cx, c| customers::revoke_key(cx, c.key);
    holdCall: Write, 500 => |cx, c| channels::hold(cx, &c.terms, &c.signature);
    releaseCall: Write, 300 => |cx, c| channels::release(cx, c.channel, &c.byMachine);
    claimCall: Write, 800 => |cx, c| claims::claim(cx, &c.voucher, &c.byKey, &c.byMachine);
    showCall: Write, 400 => |cx, c| show::show(cx, c.claimId, c.pick, &c.receipt, &c.proof);
    showTwinCall: Write, 600 => |cx, c| show::show_twin(cx, &c);
    commitAuditCall: Write, 200 => |cx, c| audit::commit(cx, c.claimId, c.pick, c.commitment);
    revealAuditCall: Write, 200 => |cx, c| audit::reveal(cx, &c);
    withdrawAuditPayCall: Write, 200 => |cx, c| earnings::withdraw(cx, c.amount);
    withdrawAuditPayToAccountCall: Write, 200 => |cx, c| earnings::withdraw_to_account(cx, c.index, c.amount);
    sendTakingsCall: Write, 200 => |cx, c| listing::send_takings(cx, &c);
    setParamsCall: Write, 200 => |cx, c| listing::set_params(cx, &c.params);
    pauseCall: Write, 200 => |cx, c| listing::pause(cx, Pausing::Stop(c.verbs));
    resumeCall: Write, 200 => |cx, c| listing::pause(cx, Pausing::GoOn(c.verbs));
}
