// Prints what is wrong with the OpenAPI document of a file; nothing: nothing.
import { readFileSync } from 'node:fs'
import { Validator } from '@seriousme/openapi-schema-validator'

const validator = new Validator()
const { valid, errors } = await validator.validate(JSON.parse(readFileSync(process.argv[2])))
if (!valid) console.log(JSON.stringify(errors, null, 1))
else if (validator.version !== '3.1') console.log('version', validator.version)
