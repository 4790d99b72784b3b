// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {ReserveLogic} from '@aave-dao/aave-v3-origin/src/contracts/protocol/libraries/logic/ReserveLogic.sol';
import {ReserveConfiguration} from '@aave-dao/aave-v3-origin/src/contracts/protocol/libraries/configuration/ReserveConfiguration.sol';
import {TokenMath} from '@aave-dao/aave-v3-origin/src/contracts/protocol/libraries/helpers/TokenMath.sol';
import {DataTypes} from '@aave-dao/aave-v3-origin/src/contracts/protocol/libraries/types/DataTypes.sol';
import {DefaultReserveInterestRateStrategyV2} from '@aave-dao/aave-v3-origin/src/contracts/misc/DefaultReserveInterestRateStrategyV2.sol';
import {IDefaultInterestRateStrategyV2} from '@aave-dao/aave-v3-origin/src/contracts/interfaces/IDefaultInterestRateStrategyV2.sol';

/// One reserve of Aave v3: its own accrual, rate strategy and share arithmetic, around balances kept here. What is
/// left out is what surrounds them: tokens, permissions, health.
contract PeerAave {
    using ReserveLogic for DataTypes.ReserveData;
    using ReserveLogic for DataTypes.ReserveCache;
    using ReserveConfiguration for DataTypes.ReserveConfigurationMap;
    using TokenMath for uint256;

    DataTypes.ReserveData internal reserve;
    DefaultReserveInterestRateStrategyV2 internal strategy;
    mapping(uint256 => uint256) public scaledSupply;
    mapping(uint256 => uint256) public scaledDebt;
    uint256 public scaledTotalSupply;

    function open(uint256 reserveFactor, uint16 optimal, uint32 base, uint32 slope1, uint32 slope2) external {
        reserve.init(address(this), address(this));
        DataTypes.ReserveConfigurationMap memory configuration;
        configuration.setReserveFactor(reserveFactor);
        reserve.configuration = configuration;
        reserve.lastUpdateTimestamp = uint40(block.timestamp);
        strategy = new DefaultReserveInterestRateStrategyV2(address(this));
        strategy.setInterestRateParams(
            address(this),
            IDefaultInterestRateStrategyV2.InterestRateData(optimal, base, slope1, slope2)
        );
    }

    function getPoolConfigurator() external view returns (address) {
        return address(this);
    }

    function supply(uint256 who, uint256 amount) external {
        DataTypes.ReserveCache memory cached = update();
        scaledSupply[who] += amount.getATokenMintScaledAmount(cached.nextLiquidityIndex);
        rates(cached, amount, 0);
    }

    function withdraw(uint256 who, uint256 amount) external {
        DataTypes.ReserveCache memory cached = update();
        scaledSupply[who] -= amount.getATokenBurnScaledAmount(cached.nextLiquidityIndex);
        rates(cached, 0, amount);
    }

    function borrow(uint256 who, uint256 amount) external {
        DataTypes.ReserveCache memory cached = update();
        uint256 scaled = amount.getVTokenMintScaledAmount(cached.nextVariableBorrowIndex);
        scaledDebt[who] += scaled;
        scaledTotalSupply += scaled;
        cached.nextScaledVariableDebt = scaledTotalSupply;
        rates(cached, 0, amount);
    }

    function repay(uint256 who, uint256 amount) external {
        DataTypes.ReserveCache memory cached = update();
        uint256 scaled = amount.getVTokenBurnScaledAmount(cached.nextVariableBorrowIndex);
        scaledDebt[who] -= scaled;
        scaledTotalSupply -= scaled;
        cached.nextScaledVariableDebt = scaledTotalSupply;
        rates(cached, amount, 0);
    }

    /// Accrues: what the next touch of this block would see.
    function touch() external {
        update();
    }

    function state()
        external
        view
        returns (uint256 supplyIndex, uint256 borrowIndex, uint256 supplyRate, uint256 borrowRate, uint256 treasury, uint256 cash)
    {
        return (
            reserve.liquidityIndex,
            reserve.variableBorrowIndex,
            reserve.currentLiquidityRate,
            reserve.currentVariableBorrowRate,
            reserve.accruedToTreasury,
            reserve.virtualUnderlyingBalance
        );
    }

    function balances(uint256 who) external view returns (uint256 supplied, uint256 owed) {
        return (
            scaledSupply[who].getATokenBalance(reserve.liquidityIndex),
            scaledDebt[who].getVTokenBalance(reserve.variableBorrowIndex)
        );
    }

    function update() internal returns (DataTypes.ReserveCache memory cached) {
        cached = reserve.cache();
        reserve.updateState(cached);
    }

    function rates(DataTypes.ReserveCache memory cached, uint256 added, uint256 taken) internal {
        reserve.updateInterestRatesAndVirtualBalance(cached, address(this), added, taken, address(strategy));
    }
}
