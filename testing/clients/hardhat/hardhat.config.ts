import { createRequire } from "node:module";
import HardhatIgnition from "@nomicfoundation/hardhat-ignition";
import { defineConfig } from "hardhat/config";

// The compiler comes from npm, since the tests run where nothing else can be fetched. Nothing else is special.
const solc = createRequire(import.meta.url).resolve("solc/soljson.js");

export default defineConfig({
  plugins: [HardhatIgnition],
  solidity: { version: "0.8.37", path: solc },
  networks: { capstan: { type: "http", url: process.env.RPC_URL ?? "http://127.0.0.1:8545" } },
});
