// Verifies access tokens of a Latchkey server: one on each line of the standard input, one answer on each line of the output.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
)

type accessClaims struct {
	jwt.RegisteredClaims
	SessionID string   `json:"sid"`
	Roles     []string `json:"roles"`
	Scope     string   `json:"scope"`
}

// verify returns the claims of a good token, and an error for any other.
func verify(parser *jwt.Parser, keys keyfunc.Keyfunc, text string) (*accessClaims, error) {
	claims := &accessClaims{}
	token, err := parser.ParseWithClaims(text, claims, keys.Keyfunc)
	if err != nil {
		return nil, err
	}
	if token.Header["typ"] != "at+jwt" {
		return nil, errors.New("not an access token")
	}
	if claims.Subject == "" || claims.SessionID == "" || claims.ID == "" || claims.IssuedAt == nil {
		return nil, errors.New("a claim is missing")
	}
	return claims, nil
}

func main() {
	issuer := os.Getenv("AUTH_ISSUER")
	url := os.Getenv("AUTH_URL")
	if url == "" {
		url = issuer
	}
	// Asks again for a kid that it does not know, and every hour.
	keys, err := keyfunc.NewDefault([]string{url + "/.well-known/jwks.json"})
	if err != nil {
		log.Fatal(err)
	}
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{"ES256", "RS256"}),
		jwt.WithIssuer(issuer),
		jwt.WithAudience(issuer),
		jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(),
		jwt.WithLeeway(30*time.Second),
	)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		claims, err := verify(parser, keys, lines.Text())
		if err != nil {
			fmt.Println("refused")
			continue
		}
		fmt.Println("accepted", claims.Subject, claims.SessionID, strings.Join(claims.Roles, ","))
	}
}
