package store

import (
	"slices"
	"sync"
)

// sizeClasses are the sizes that the runtime's allocator gives out, up to 32
// KiB. They are asked of it, since they change with its version.
var sizeClasses = sync.OnceValue(func() (classes []int) {
	for n := 1; n <= 32<<10; n = classes[len(classes)-1] + 1 {
		classes = append(classes, cap(slices.Grow([]byte(nil), n)))
	}
	return classes
})

// allocated is what n bytes without pointers take of the heap.
func allocated(n int) int {
	classes := sizeClasses()
	if i, _ := slices.BinarySearch(classes, n); i < len(classes) {
		return classes[i]
	}
	const page = 8 << 10
	return (n + page - 1) / page * page
}
