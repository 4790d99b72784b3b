// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {CapstanAddresses} from "capstan/CapstanAddresses.sol";
import {IErc20} from "capstan/IErc20.sol";
import {IExchange} from "capstan/IExchange.sol";
import {IFlash, IFlashBorrower} from "capstan/IFlash.sol";
import {ILedger} from "capstan/ILedger.sol";

/// What this contract uses of a Uniswap v2 pair.
interface IPair {
    function token0() external view returns (address);
    function getReserves() external view returns (uint112 reserve0, uint112 reserve1, uint32 timestamp);
    function swap(uint256 out0, uint256 out1, address to, bytes calldata data) external;
}

/// Takes the difference of price between a native pool and a Uniswap v2 pair, with borrowed money and none of its own.
///
///     flash ─ amount ─► this ─► one pool ─ other token ─► the other pool ─► this ─ amount + fee ─► flash
///                                                                            └─ profit ─► owner
///
/// It keeps nothing between calls, and a way that does not gain what was asked for is undone whole.
contract FlashArbitrage is IFlashBorrower {
    /// Which way round. `other` is the token between the two swaps.
    struct Plan {
        IPair pair;
        uint32 poolId;
        IErc20 other;
        bool pairFirst;
        uint256 profitMin;
    }

    IExchange private constant EXCHANGE = IExchange(CapstanAddresses.EXCHANGE);
    IFlash private constant FLASH = IFlash(CapstanAddresses.FLASH);
    ILedger private constant LEDGER = ILedger(CapstanAddresses.LEDGER);

    address public immutable owner = msg.sender;

    /// A loan was turned around. `profit` is what the owner received.
    event Taken(address indexed token, uint256 amount, uint256 fee, uint256 profit);

    /// Only the owner may use this contract, and only loans that it asked for itself.
    error NotAllowed(address caller);
    /// The way back brings `back`, and loan, fee and the least profit need `needed`.
    error NoProfit(uint256 back, uint256 needed);
    /// The token did not say that it moved.
    error NotMoved(address token);

    /// Borrows `amount` of `token`, goes the way of the plan, and sends the profit to the owner.
    function take(IErc20 token, uint256 amount, Plan calldata plan) external returns (uint256 profit) {
        if (msg.sender != owner) revert NotAllowed(msg.sender);
        FLASH.flashLoan(address(this), address(token), amount, abi.encode(plan));
        profit = token.balanceOf(address(this));
        _send(token, owner, profit);
    }

    function onFlashLoan(address initiator, address token, uint256 amount, uint256 fee, bytes calldata data)
        external
        returns (bytes32)
    {
        // Anybody can ask flash to call this contract, and anybody can call it himself.
        if (msg.sender != address(FLASH)) revert NotAllowed(msg.sender);
        if (initiator != address(this)) revert NotAllowed(initiator);
        Plan memory plan = abi.decode(data, (Plan));
        IErc20 own = IErc20(token);
        if (plan.pairFirst) {
            _swapInPool(plan.poolId, plan.other, own, _swapInPair(plan.pair, own, amount));
        } else {
            _swapInPair(plan.pair, plan.other, _swapInPool(plan.poolId, own, plan.other, amount));
        }
        uint256 back = own.balanceOf(address(this));
        uint256 needed = amount + fee + plan.profitMin;
        if (back < needed) revert NoProfit(back, needed);
        // flash takes loan and fee back when this function has answered.
        own.approve(msg.sender, amount + fee);
        emit Taken(token, amount, fee, back - amount - fee);
        return keccak256("ERC3156FlashBorrower.onFlashLoan");
    }

    /// In a native pool. The least that is accepted is nothing: the end of the loan judges the whole way.
    function _swapInPool(uint32 poolId, IErc20 from, IErc20 to, uint256 amount) private returns (uint256 received) {
        (uint32 assetIn, uint32 assetOut) = (LEDGER.assetOf(address(from)), LEDGER.assetOf(address(to)));
        IExchange.Leg[] memory legs = new IExchange.Leg[](1);
        legs[0] = IExchange.Leg(poolId, assetIn, assetOut, false, amount);
        from.approve(address(EXCHANGE), amount);
        uint64 nowMs = uint64(block.timestamp) * 1000;
        (, received) =
            EXCHANGE.swap(legs, IExchange.Bounds(assetIn, amount, assetOut, 0), address(this), nowMs + 60_000);
    }

    /// In the pair, whose fee is 0.3 %: pay first, then ask for all that the product allows.
    function _swapInPair(IPair pair, IErc20 from, uint256 amount) private returns (uint256 received) {
        bool zeroIn = pair.token0() == address(from);
        (uint256 reserveIn, uint256 reserveOut,) = pair.getReserves();
        if (!zeroIn) (reserveIn, reserveOut) = (reserveOut, reserveIn);
        uint256 paid = amount * 997;
        received = paid * reserveOut / (reserveIn * 1000 + paid);
        _send(from, address(pair), amount);
        (uint256 out0, uint256 out1) = zeroIn ? (uint256(0), received) : (received, uint256(0));
        pair.swap(out0, out1, address(this), "");
    }

    function _send(IErc20 token, address to, uint256 amount) private {
        if (!token.transfer(to, amount)) revert NotMoved(address(token));
    }
}
