namespace SparseInfer.Generators.Tests.Parse;

public sealed class VocabularyTests
{
    [Fact]
    public void One_policy_stands_for_a_declaration_without_one_whatever_the_activation()
    {
        foreach (Activation activation in Enum.GetValues<Activation>())
        {
            PolicyRegistry.All.Where(policy => policy.DefaultFor(activation) is not null).ShouldHaveSingleItem()
                .ShouldBe(DeclarationLanguage.Vocabulary.DefaultFor(activation).Policy, activation.ToString());
        }
    }

    [Fact]
    public void Every_policy_has_a_name_of_its_own() => PolicyRegistry.All.Select(policy => policy.DisplayName).ShouldBeUnique();
}
