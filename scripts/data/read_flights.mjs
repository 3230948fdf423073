// Reads flights-3m.parquet where no pyarrow is to be had. Writes the rows that convert.py makes,
// with airports numbered as they are met, and the codes in that order.
// usage: node read_flights.mjs FILE.parquet FOLDER
import { writeFileSync } from 'node:fs'
import { asyncBufferFromFile, parquetRead } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'

const [parquet, folder] = process.argv.slice(2)
const names = ['date', 'delay', 'distance', 'origin', 'destination']
const rows = new Int32Array(3_000_000 * names.length)
const codes = new Map()

function airportNumber(code) {
  if (!codes.has(code)) codes.set(code, codes.size)
  return codes.get(code)
}

const numberOf = {
  date: (value) => Number(value instanceof Date ? value.getTime() : value) / 60_000,
  delay: Number,
  distance: Number,
  origin: airportNumber,
  destination: airportNumber,
}

function onChunk({ columnName, columnData, rowStart }) {
  const column = names.indexOf(columnName)
  for (let i = 0; i < columnData.length; ++i) {
    rows[(rowStart + i) * names.length + column] = numberOf[columnName](columnData[i])
  }
}

await parquetRead({ file: await asyncBufferFromFile(parquet), compressors, onChunk })
writeFileSync(`${folder}/flights-3m.i4`, rows)
writeFileSync(`${folder}/flights-3m.codes.json`, JSON.stringify([...codes.keys()]))
