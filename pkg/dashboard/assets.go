package dashboard

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

// AssetPath is below which pages find their style sheets, scripts and pictures.
const AssetPath = "/-/assets/"

//go:embed assets
var assetFiles embed.FS

// assets are served under one hash of them all, so that modules find each other
// by relative names, and a page never meets those of another version.
type assets struct {
	base  string // AssetPath, hash, slash
	files map[string]asset
}

type asset struct {
	mediaType     string
	plain, zipped []byte
}

var mediaTypes = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

func newAssets() (*assets, error) {
	a := &assets{files: map[string]asset{}}
	sum := sha256.New()
	err := fs.WalkDir(assetFiles, "assets", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := assetFiles.ReadFile(name)
		if err != nil {
			return err
		}
		mediaType := mediaTypes[path.Ext(name)]
		if mediaType == "" {
			return fmt.Errorf("%s: no media type is known for it", name)
		}
		name = path.Base(name)
		fmt.Fprintf(sum, "%s %d\n%s", name, len(text), text)
		var zipped bytes.Buffer
		z := newZipper(gzip.BestCompression)
		z.Reset(&zipped)
		write(z, text)
		a.files[name] = asset{mediaType, text, zipped.Bytes()}
		return nil
	})
	a.base = AssetPath + hex.EncodeToString(sum.Sum(nil)[:8]) + "/"
	return a, err
}

// url is where an asset is; an error is a template's fault.
func (a *assets) url(name string) (string, error) {
	if _, ok := a.files[name]; !ok {
		return "", fmt.Errorf("no asset %s", name)
	}
	return a.base + name, nil
}

// ServeHTTP answers for the assets. One of another version, whose page came from
// a node beside this one, gets this version's, which is not kept.
func (a *assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, found := a.files[path.Base(r.URL.Path)]
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	if path.Dir(r.URL.Path)+"/" != a.base {
		h.Set("Cache-Control", "no-store")
	}
	if !found || !strings.HasPrefix(r.URL.Path, AssetPath) {
		h.Set("Cache-Control", "no-store")
		http.Error(w, "there is no such asset; load the page again", http.StatusNotFound)
		return
	}
	h.Set("Content-Type", f.mediaType)
	h.Set("Vary", "Accept-Encoding")
	body, tag := f.plain, strings.Trim(strings.TrimPrefix(a.base, AssetPath), "/")
	if acceptsGzip(r) {
		h.Set("Content-Encoding", "gzip")
		body, tag = f.zipped, tag+"-gzip"
	}
	h.Set("ETag", `"`+tag+`"`)
	http.ServeContent(w, r, path.Base(r.URL.Path), time.Time{}, bytes.NewReader(body))
}
