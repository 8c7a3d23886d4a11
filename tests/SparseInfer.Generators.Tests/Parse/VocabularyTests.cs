namespace SparseInfer.Generators.Tests.Parse;

public sealed class VocabularyTests
{
    [Fact]
    public void OnePolicyStandsForADeclarationWithoutOneWhateverTheActivation()
    {
        foreach (Activation activation in Enum.GetValues<Activation>())
        {
            PolicyRegistry.All.Where(policy => policy.DefaultFor(activation) is not null).ShouldHaveSingleItem()
                .ShouldBe(DeclarationLanguage.Vocabulary.DefaultFor(activation).Policy, activation.ToString());
        }
    }

    [Fact]
    public void EveryPolicyHasANameOfItsOwn() => PolicyRegistry.All.Select(policy => policy.DisplayName).ShouldBeUnique();
}
