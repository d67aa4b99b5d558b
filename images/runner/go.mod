module swefoundry.dev/runner

go 1.24
