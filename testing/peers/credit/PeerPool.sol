// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {ACLManager} from '@aave-dao/aave-v3-origin/src/contracts/protocol/configuration/ACLManager.sol';
import {PoolAddressesProvider} from '@aave-dao/aave-v3-origin/src/contracts/protocol/configuration/PoolAddressesProvider.sol';
import {ConfiguratorInputTypes} from '@aave-dao/aave-v3-origin/src/contracts/protocol/libraries/types/ConfiguratorInputTypes.sol';
import {DefaultReserveInterestRateStrategyV2} from '@aave-dao/aave-v3-origin/src/contracts/misc/DefaultReserveInterestRateStrategyV2.sol';
import {IDefaultInterestRateStrategyV2} from '@aave-dao/aave-v3-origin/src/contracts/interfaces/IDefaultInterestRateStrategyV2.sol';
import {IPool} from '@aave-dao/aave-v3-origin/src/contracts/interfaces/IPool.sol';
import {IPoolConfigurator} from '@aave-dao/aave-v3-origin/src/contracts/interfaces/IPoolConfigurator.sol';
import {PoolInstance} from '@aave-dao/aave-v3-origin/src/contracts/instances/PoolInstance.sol';
import {PoolConfiguratorInstance} from '@aave-dao/aave-v3-origin/src/contracts/instances/PoolConfiguratorInstance.sol';
import {ATokenInstance} from '@aave-dao/aave-v3-origin/src/contracts/instances/ATokenInstance.sol';
import {VariableDebtTokenInstance} from '@aave-dao/aave-v3-origin/src/contracts/instances/VariableDebtTokenInstance.sol';
import {ERC20} from '@openzeppelin/contracts/token/ERC20/ERC20.sol';

contract PeerDollar is ERC20 {
    constructor() ERC20('Peer Dollar', 'PUSD') {}

    function mint(address to, uint256 value) external {
        _mint(to, value);
    }
}

/// Every asset is worth a dollar, but for one that may have fallen: what a price costs to read is left out of the
/// comparison.
contract PeerPrices {
    address internal immutable fallen;
    uint256 internal immutable price;

    constructor(address fallen_, uint256 price_) {
        (fallen, price) = (fallen_, price_);
    }

    function getAssetPrice(address asset) external view returns (uint256) {
        return asset == fallen ? price : 1e8;
    }
}

/// Aave v3 as its deployments are put together: provider, permissions, pool and configurator behind proxies, and
/// reserves of OpenZeppelin tokens that may be supplied, borrowed, used as collateral and lent by flash loans.
contract PeerPool {
    PoolAddressesProvider internal provider;
    DefaultReserveInterestRateStrategyV2 internal strategy;

    /// The pool with its first reserve.
    function open(uint256 factor, uint16 optimal, uint32 base, uint32 slope1, uint32 slope2)
        external
        returns (address pool, address asset)
    {
        provider = new PoolAddressesProvider('Peer', address(this));
        provider.setACLAdmin(address(this));
        ACLManager roles = new ACLManager(provider);
        provider.setACLManager(address(roles));
        roles.addPoolAdmin(address(this));
        provider.setPriceOracle(address(new PeerPrices(address(0), 0)));
        strategy = new DefaultReserveInterestRateStrategyV2(address(provider));
        provider.setPoolImpl(address(new PoolInstance(provider, strategy)));
        provider.setPoolConfiguratorImpl(address(new PoolConfiguratorInstance()));
        pool = provider.getPool();
        asset = add(factor, optimal, base, slope1, slope2);
        IPoolConfigurator(provider.getPoolConfigurator()).updateFlashloanPremium(5);
    }

    /// The price of an asset falls.
    function fall(address asset, uint256 price) external {
        provider.setPriceOracle(address(new PeerPrices(asset, price)));
    }

    /// One more reserve.
    function add(uint256 factor, uint16 optimal, uint32 base, uint32 slope1, uint32 slope2)
        public
        returns (address asset)
    {
        address pool = provider.getPool();
        asset = address(new PeerDollar());
        ConfiguratorInputTypes.InitReserveInput[] memory inputs = new ConfiguratorInputTypes.InitReserveInput[](1);
        inputs[0] = ConfiguratorInputTypes.InitReserveInput({
            aTokenImpl: address(new ATokenInstance(IPool(pool), address(0), address(this))),
            variableDebtTokenImpl: address(new VariableDebtTokenInstance(IPool(pool), address(0))),
            underlyingAsset: asset,
            aTokenName: 'a',
            aTokenSymbol: 'a',
            variableDebtTokenName: 'd',
            variableDebtTokenSymbol: 'd',
            params: '',
            interestRateData: abi.encode(
                IDefaultInterestRateStrategyV2.InterestRateData(optimal, base, slope1, slope2)
            )
        });
        IPoolConfigurator configurator = IPoolConfigurator(provider.getPoolConfigurator());
        configurator.initReserves(inputs);
        configurator.configureReserveAsCollateral(asset, 8000, 8500, 10500);
        configurator.setReserveBorrowing(asset, true);
        configurator.setReserveFlashLoaning(asset, true);
        configurator.setReserveFactor(asset, factor);
    }
}

/// Calls a target again and again with the same calldata.
contract PeerDriver {
    function drive(address target, uint256 count, bytes calldata data) external {
        bytes memory input = data;
        for (uint256 i = 0; i < count; i++) {
            assembly {
                if iszero(call(gas(), target, 0, add(input, 32), mload(input), 0, 0)) {
                    returndatacopy(0, 0, returndatasize())
                    revert(0, returndatasize())
                }
            }
        }
    }

    /// Aave's receiver of a simple flash loan.
    function executeOperation(address, uint256, uint256, address, bytes calldata) external pure returns (bool) {
        return true;
    }

    /// ERC-3156's.
    function onFlashLoan(address, address, uint256, uint256, bytes calldata) external pure returns (bytes32) {
        return keccak256('ERC3156FlashBorrower.onFlashLoan');
    }
}
