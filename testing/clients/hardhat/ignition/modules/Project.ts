import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";

export default buildModule("Project", (m) => {
  const owner = m.getAccount(6);
  const counter = m.contract("Counter", [3n]);
  const coin = m.contract("Coin", [owner]);
  m.call(counter, "increment", [4n], { after: [coin] });
  m.call(coin, "mint", [m.getAccount(7), 5n], { from: owner });
  return { counter, coin };
});
