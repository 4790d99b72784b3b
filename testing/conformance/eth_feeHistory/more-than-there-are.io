// a count that is too large is cut
>> {"jsonrpc":"2.0","id":1,"method":"eth_feeHistory","params":["0x400","0x2",[]]}
<< {"jsonrpc":"2.0","id":1,"result":{"baseFeePerGas":["0x3b9aca00","0x3b74a460","0x3b4eae54","0x3b28bd7f"],"gasUsedRatio":[0.0,0.0011888,0.00021],"baseFeePerBlobGas":["0x1","0x1","0x1","0x1"],"blobGasUsedRatio":[0.0,0.0,0.0],"oldestBlock":"0x0"}}
