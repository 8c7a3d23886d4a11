namespace SparseInfer.Runtime;

/// <content>
/// What policies remember of a sequence's prompts, and choose by. A prompt's tokens count, of all prompts of the sequence, where they are computed densely as
/// prompts are; tokens that are decoded, or computed as if they were (<see cref="StepOptions.SparsePrompt"/>), do not. The choice is made anew when a token is
/// decoded after a prompt.
/// </content>
public abstract partial class CpuDecoderState
{
    /// <summary>Whether the choice is that of the prompts so far.</summary>
    private bool _isChosen = true;

    /// <summary>The first token of this batch that policies shall remember; <see cref="TokenCount"/>: they shall remember none.</summary>
    protected int RememberedFrom { get; private set; }

    /// <summary>Whether there is one.</summary>
    protected bool IsRemembered => RememberedFrom < TokenCount;

    /// <summary>Chooses by what policies remember.</summary>
    protected virtual void ChooseByPrompts()
    {
    }

    /// <summary>Before a run.</summary>
    /// <param name="step">How it was asked for.</param>
    /// <returns>Whether policies remember its tokens.</returns>
    private bool BeginRun(in StepOptions step)
    {
        bool remembers = _program.RemembersPrompts && step is { IsPrompt: true, SparsePrompt: false };
        if (!remembers)
        {
            RequireChoice(step.Mode);
        }

        return remembers;
    }

    private void RequireChoice(SparsityMode mode)
    {
        if (!_isChosen && mode == SparsityMode.Predicted)
        {
            ChooseByPrompts();
            _isChosen = true;
        }
    }

    /// <summary>Runs a batch. One that fails half remembered leaves nothing: the sequence has to be run again.</summary>
    private void RunBatch(bool remembers)
    {
        // A token that is run again is remembered already.
        RememberedFrom = remembers ? Math.Clamp(Remembered - Position, 0, TokenCount) : TokenCount;
        if (!IsRemembered)
        {
            Workers.Run(this);
            return;
        }

        try
        {
            Workers.Run(this);
        }
        catch
        {
            Forget();
            throw;
        }

        Remembered = Position + TokenCount;
        _isChosen = false;
    }
}
