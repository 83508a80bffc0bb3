package gossip

import (
	"context"
	"log"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// maxWarnings is how many of memberlist's complaints are logged each ten
// seconds: strangers who send bytes to the port must not fill the log.
const (
	maxWarnings  = 20
	warningsTime = 10 * time.Second
)

// lineLog turns memberlist's log lines into records: errors and warnings are
// warnings, all else is debug.
type lineLog struct {
	to      *slog.Logger
	suspect func(node string)
	now     func() time.Time

	mu      sync.Mutex // guards what follows
	began   time.Time  // of the current ten seconds
	warned  int
	dropped int
}

func (l *lineLog) logger() *log.Logger { return log.New(l, "", 0) }

// Write takes one line; log.Logger calls it so.
func (l *lineLog) Write(p []byte) (int, error) {
	line := strings.TrimRight(string(p), "\n")
	level := slog.LevelDebug
	if prefix, rest, ok := strings.Cut(line, "] "); ok && strings.HasPrefix(prefix, "[") {
		line = rest
		switch prefix {
		case "[ERR", "[ERROR", "[WARN":
			level = slog.LevelWarn
		}
	}
	line = strings.TrimPrefix(line, "memberlist: ")
	if name, ok := strings.CutPrefix(line, "Suspect "); ok {
		if name, ok = strings.CutSuffix(name, " has failed, no acks received"); ok {
			l.suspect(name)
		}
	}
	if level == slog.LevelWarn && !l.mayWarn() {
		return len(p), nil
	}
	l.to.Log(context.Background(), level, "gossip: "+line)
	return len(p), nil
}

// mayWarn counts a warning and says whether it may be logged.
func (l *lineLog) mayWarn() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := l.now(); now.Sub(l.began) >= warningsTime {
		if l.dropped > 0 {
			l.to.Warn("gossip: more warnings than are logged", "dropped", l.dropped, "since", l.began)
		}
		l.began, l.warned, l.dropped = now, 0, 0
	}
	if l.warned >= maxWarnings {
		l.dropped++
		return false
	}
	l.warned++
	return true
}
