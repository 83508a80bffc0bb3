package sample

// formerSystem is the coordinate system of the assembly before this one.
const formerSystem = 3

// former adds the sequences of the assembly before this one, without bases,
// and how this one maps onto them. From a tenth of a chromosome on, the former
// one lacks formerGap bases; a stretch in the middle lay the other way round.
func (a *annotator) former() {
	if a.formerAssembly == "" {
		return
	}
	a.add("coord_system", "coord_system_id", formerSystem, "species_id", 1, "name", "chromosome", "version", a.formerAssembly, "rank", 3)
	a.add("meta", "species_id", 1, "meta_key", "assembly.mapping", "meta_value", "chromosome:"+a.assembly+"#chromosome:"+a.formerAssembly)
	for _, c := range a.chromosomes {
		if c.name == "MT" {
			continue
		}
		now, then := a.regions[c.name], a.add("seq_region", "name", c.name, "coord_system_id", formerSystem, "length", c.length-formerGap)
		piece := func(from, to, at, orientation int) {
			a.add("assembly", "asm_seq_region_id", now, "cmp_seq_region_id", then, "asm_start", from, "asm_end", to,
				"cmp_start", at, "cmp_end", at+to-from, "ori", orientation)
		}
		first, turned, straight := c.length/10, c.length/2, c.length/2+formerTurned
		piece(1, first, 1, 1)
		piece(first+formerGap+1, turned, first+1, 1)
		piece(turned+1, straight, turned+1-formerGap, -1)
		piece(straight+1, c.length, straight+1-formerGap, 1)
	}
}

const (
	formerGap    = 150
	formerTurned = 2000
)
