// EIP-712 as JSON text: the same signature
>> {"jsonrpc":"2.0","id":1,"method":"eth_signTypedData_v4","params":["0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266","{\"types\":{\"EIP712Domain\":[{\"name\":\"name\",\"type\":\"string\"}],\"Note\":[{\"name\":\"text\",\"type\":\"string\"}]},\"primaryType\":\"Note\",\"domain\":{\"name\":\"conformance\"},\"message\":{\"text\":\"hello\"}}"]}
<< {"jsonrpc":"2.0","id":1,"result":"0x6cf23d5ea8bb22f23941fe4d13908c097dc9fbf488d451daa76387263b0dabda042de78f9eeca65e457f776a9215857aa38cfce8ad5331840e70ce50afe4018c1c"}
