# zsh -f capture.zsh FOLDER OUTPUT LINE...: prints what an interactive zsh offers for each LINE, separated by tabs.
# It ends with status 3 if no pseudo-terminal can be had.
folder=$1 output=$2
shift 2
zmodload zsh/zpty && zpty inner zsh -f -i || exit 3

# Completion functions hand what they offer to `compadd`. Whatever only asks it something passes through.
zpty -w inner "PROMPT= RPROMPT=; unsetopt zle_bracketed_paste; fpath=(${(q)folder} \$fpath)
autoload -Uz compinit; compinit -D -u
compadd() {
    local -a found
    [[ \${@[1,(i)(-|--)]} == *-[OAD]\ * ]] || { builtin compadd -O found \"\$@\"; offered+=(\$found); }
    builtin compadd \"\$@\"
}
show() {
    local -a offered
    _main_complete
    compstate[insert]= compstate[list]=
    print -r -- \${(pj:\\t:)\${(Q)offered}}. > ${(q)output}.new
    mv ${(q)output}.new ${(q)output}
}
zle -C show complete-word show; bindkey '^T' show; print re''ady"
zpty -r inner seen $'*ready*'

for line; do
    # ^T calls the widget, and ^U empties the line.
    zpty -w -n inner $line$'\C-t\C-u'
    for ((tries = 0; tries < 2400; ++tries)); do
        while zpty -rt inner seen; do :; done
        [[ -e $output ]] && break
        sleep 0.025
    done
    read -r -d '' found < $output
    print -r -- $found
    rm -f $output
done
zpty -d inner
