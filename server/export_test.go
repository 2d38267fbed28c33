package server

// Forwarded is for the tests.
var Forwarded = forwarded
