-- What a user of Neovim does and sees in the shop, with the configuration of docs/editors/neovim.md loaded.
-- test_neovim.py runs it: an error ends Neovim, and its text is the test's.

local PATIENCE = 60000 -- milliseconds; a server that needs this long is broken

local function wait(what, seen)
  if not vim.wait(PATIENCE, seen, 20) then
    error(('waited in vain for %s; %s'):format(what, tostring(vim.g.aftershock)))
  end
end

-- What the first lens says over the line of the current buffer that begins so.
local function lens_over(beginning)
  local row = vim.fn.search('^' .. beginning, 'cnw') - 1
  for _, lens in ipairs(vim.lsp.codelens.get(0)) do
    if lens.range.start.line == row then
      return lens.command.title
    end
  end
  return ''
end

local function shows_lens(beginning, pattern)
  wait(pattern .. ' over ' .. beginning, function()
    return lens_over(beginning):match(pattern)
  end)
end

local function errors(buffer)
  return vim.diagnostic.get(buffer, { severity = vim.diagnostic.severity.ERROR })
end

local questions, progress = {}, {}

vim.ui.select = function(actions, options, choose)
  table.insert(questions, options.prompt)
  choose(actions[1])
end

vim.api.nvim_create_autocmd('LspProgress', {
  callback = function(event)
    table.insert(progress, event.data.params.value.title)
  end,
})

-- Opened for the first time, the project is built if the user likes, and the lenses tell what reaches what.
vim.cmd.edit('tests/test_prices.py')
local tests = vim.api.nvim_get_current_buf()
vim.cmd.edit('prices.py')
shows_lens('def label', '^2 tests ✓')
assert(questions[1]:match('^Aftershock has no results yet%. Run all 5 tests once'), questions[1])
assert(progress[1] == 'Aftershock: 5 tests', progress[1])

-- A save that breaks a function marks the failing line of its test, from the right column to the right one: they are
-- counted in bytes here, and the line is not ASCII.
vim.cmd('%s/{amount} €/{amount} EUR/')
vim.cmd.write()
local failure
wait('one mark for both failures', function()
  failure = errors(tests)[1]
  return #errors(tests) == 1 and failure.message:match('^2 tests fail here%. test_label')
end)
local line = vim.api.nvim_buf_get_lines(tests, failure.lnum, failure.lnum + 1, true)[1]
assert(line:sub(failure.col + 1, failure.end_col) == 'assert label(amount) == f"{amount} €"', line)
shows_lens('def label', '^2 tests, 2 failed$')

-- A lens lists its tests, and one can ask why a test is as it is.
vim.fn.search('^def label')
vim.cmd.normal('grx')
wait('a list of tests', function()
  return #vim.fn.getqflist() == 2
end)
assert(vim.fn.getqflist()[1].text == 'test_label[1]: failed', vim.inspect(vim.fn.getqflist()))
vim.cmd.cclose()
assert(vim.deep_equal(vim.fn.getcompletion('Aftershock w', 'cmdline'), { 'why' }))
vim.cmd('Aftershock why tests/test_prices.py::test_net')
wait('an explanation', function()
  return vim.fn.execute('messages'):match('affected = false')
end)

-- Undone and saved, all is well again.
vim.cmd.undo()
vim.cmd.write()
wait('no failure', function()
  return #errors(tests) == 0
end)
shows_lens('def label', '^2 tests ✓')
