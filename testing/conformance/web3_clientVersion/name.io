// name, version, system, language
// shape: result
>> {"jsonrpc":"2.0","id":1,"method":"web3_clientVersion","params":[]}
<< {"jsonrpc":"2.0","id":1,"result":"Capstan/v0.1.0/linux-x86_64/rust"}
