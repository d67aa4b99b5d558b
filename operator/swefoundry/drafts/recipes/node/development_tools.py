"""Tools of developers that tests seldom need: linters, coverage, git hooks, releases, documentation, browsers.

They are most of what a project installs, and what fails most often: old ones depend on repositories that are gone. One
that a test does import is installed after all, once its log says so.
"""

import re

_TOOLS = re.compile(
    r"^(?:"
    r"@types/eslint|eslint|eslint-.*|@.*/eslint-.*|@eslint/.*|@typescript-eslint/.*|standard|standardx|semistandard|xo"
    r"|neostandard|prettier|prettier-.*|tslint|tslint-.*|jshint|jscs|jslint|stylelint.*|eclint|editorconfig.*|remark-cli"
    r"|remark-.*|markdownlint.*|evalmd|cspell|alex|ls-lint|dtslint|publint|@arethetypeswrong/.*|knip|depcheck|ls-engines|aud"
    r"|nyc|c8|coveralls|codecov|covert|istanbul|@istanbuljs/.*|codeclimate-.*"
    r"|husky|lint-staged|pre-commit|pre-push|@fastify/pre-commit|ghooks|git-hooks-list|simple-git-hooks|yorkie"
    r"|commitizen|cz-.*|@commitlint/.*|commitlint.*|semantic-release.*|@semantic-release/.*|release-it|@release-it/.*|np"
    r"|standard-version|conventional-.*|auto-changelog|@changesets/.*|lerna-changelog|bumpp|safe-publish-latest"
    r"|in-publish|npmignore|publish-please|all-contributors-cli|doctoc"
    r"|typedoc.*|jsdoc.*|documentation|docdash|esdoc.*|docsify.*|vuepress|vitepress|gh-pages|dox|yuidocjs"
    r"|karma.*|puppeteer.*|playwright.*|@playwright/.*|cypress.*|selenium-.*|webdriver.*|@wdio/.*|testem|zuul|airtap"
    r"|browserify|testling|saucelabs|phantomjs.*|mochify|chromedriver|geckodriver|nightwatch"
    r"|benchmark|tinybench|microtime|autocannon|bundlesize|size-limit|@size-limit/.*|tsd|tsd-.*"
    r")$"
)


def is_tool_of_no_test(package: str) -> bool:
    """Whether a package of the development dependencies is first left out."""
    return _TOOLS.match(package) is not None
