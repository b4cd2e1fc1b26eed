export { isMarker, longest } from './list-scripts/format.ts'
