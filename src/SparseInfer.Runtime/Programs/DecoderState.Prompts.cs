namespace SparseInfer.Runtime;

/// <content>
/// What policies remember of a sequence's prompts, and choose by. Tokens count of all prompts of the sequence, where they are computed densely as
/// prompts are; tokens that are decoded, or computed as if they were (<see cref="StepOptions.SparsePrompt"/>), do not. The choice is made anew when a token is
/// decoded after a prompt.
/// </content>
public abstract partial class DecoderState
{
    /// <summary>The end of the prompts that policies remember, of which a token cannot be taken back; 0: they remember none.</summary>
    private int _remembered;

    /// <summary>Whether the choice is that of the prompts so far.</summary>
    private bool _isChosen = true;

    /// <summary>Whether what they remember has to be cleared before it is used.</summary>
    private bool _mustForget = true;

    /// <summary>The first token of this batch that policies shall remember.</summary>
    protected int RememberedFrom { get; private set; }

    /// <summary>Whether policies shall remember tokens of this batch.</summary>
    protected bool IsRemembered { get; private set; }

    /// <summary>
    /// Forgets the tokens from a position on. Where policies remember one of those, it forgets all tokens: those before the position have to be run again, so
    /// that policies remember these and no others.
    /// </summary>
    /// <param name="position">0 to <see cref="Position"/>.</param>
    public void Rewind(int position)
    {
        if (position >= _remembered)
        {
            Position = position;
        }
        else
        {
            Forget();
        }
    }

    /// <summary>Goes back by a token, which is run again for its logits: what policies remember of it stays, and is not added to.</summary>
    public void StepBack() => Position--;

    /// <summary>Clears what policies remember: sums are 0, and all is chosen.</summary>
    protected virtual void ForgetPrompts()
    {
    }

    /// <summary>Chooses by what policies remember.</summary>
    protected virtual void ChooseByPrompts()
    {
    }

    /// <summary>Has the choice ready, before tokens are run that are none of prompts.</summary>
    /// <param name="mode">What is skipped.</param>
    internal void RequireChoice(SparsityMode mode)
    {
        ClearMemory();
        if (!_isChosen && mode == SparsityMode.Predicted)
        {
            ChooseByPrompts();
            _isChosen = true;
        }
    }

    /// <summary>Before a run.</summary>
    /// <param name="program">The program that is run.</param>
    /// <param name="step">How it was asked for.</param>
    /// <returns>Whether policies remember its tokens.</returns>
    internal bool BeginRun(DecoderProgram program, in StepOptions step)
    {
        if (program.RemembersPrompts && step is { IsPrompt: true, SparsePrompt: false })
        {
            ClearMemory();
            return true;
        }

        RequireChoice(step.Mode);
        return false;
    }

    /// <summary>Before a batch of a run.</summary>
    /// <param name="tokens">How many tokens it has.</param>
    /// <param name="remembers">What <see cref="BeginRun"/> said.</param>
    internal void BeginBatch(int tokens, bool remembers)
    {
        // A token that is run again is remembered already.
        RememberedFrom = Math.Max(0, _remembered - Position);
        IsRemembered = remembers && RememberedFrom < tokens;
    }

    /// <summary>After a batch that did not fail.</summary>
    /// <param name="tokens">How many tokens it had.</param>
    internal void EndBatch(int tokens)
    {
        if (IsRemembered)
        {
            _remembered = Position + tokens;
            _isChosen = false;
        }

        Position += tokens;
    }

    /// <summary>After a batch that failed: one that is half remembered leaves nothing, and the sequence has to be run again.</summary>
    internal void FailBatch()
    {
        if (IsRemembered)
        {
            Forget();
        }
    }

    private void Forget()
    {
        Position = 0;
        _remembered = 0;
        _isChosen = true;
        _mustForget = true;
    }

    private void ClearMemory()
    {
        if (_mustForget)
        {
            ForgetPrompts();
            _mustForget = false;
        }
    }
}
