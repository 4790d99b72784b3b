// three blocks with tips at percentiles
>> {"jsonrpc":"2.0","id":1,"method":"eth_feeHistory","params":["0x3","latest",[0,50,100]]}
<< {"jsonrpc":"2.0","id":1,"result":{"baseFeePerGas":["0x3b4eae54","0x3b28bd7f","0x3b02fa17","0x3add39b4"],"gasUsedRatio":[0.00021,0.0013012,0.0002108],"baseFeePerBlobGas":["0x1","0x1","0x1","0x1"],"blobGasUsedRatio":[0.0,0.0,0.0],"oldestBlock":"0x2","reward":[["0x218bd35ac","0x218bd35ac","0x218bd35ac"],["0x1dcd6500","0x3b9aca00","0x218e32681"],["0x3b9aca00","0x3b9aca00","0x3b9aca00"]]}}
