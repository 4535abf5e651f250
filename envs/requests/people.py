"""Names of people, from many languages, in plain ASCII."""

import random
from collections.abc import Collection

from envs.requests.values import of_split
from envs.words import Split

FIRST = """
Ada Adam Agnes Ahmed Aiko Alba Alejandro Amina Amir Ana Anders Andrea Anika Anna Antonio Arjun Astrid Ayse Bao Beatriz
Benedikt Bianca Bjorn Bruno Camille Carla Carlos Cem Chiara Chidi Clara Claudia Cyril Dagmar Dalia Daniel Darius David
Deepa Diego Dina Dmitri Ebru Eduardo Elena Elif Emeka Emil Emma Enzo Erik Esther Fatima Felix Femi Filip Florian
Freya Gabriel Giulia Grace Greta Gustav Hana Hannah Haruto Hassan Helena Henrik Hugo Ibrahim Ida Igor Ines Ingrid Isaac
Isabel Ivan Jakub Jana Javier Jia Joao Johanna Jonas Josef Julia Kai Kamal Karin Katya Kenji Klara Kofi Lars Laura
Layla Leila Lena Leon Lina Linh Lucas Lucia Magda Malik Marco Maria Marta Mateo Mei Milan Mira Nadia Naomi Niko Nina
Noah Olga Omar Oscar Paola Pavel Pedro Petra Priya Rafael Rania Rosa Ruben Samira Sanjay Sara Sofia Sven Tariq Tess
Thabo Tomas Uma Valentina Vera Viktor Wei Yara Yuki Zainab Zoe
""".split()
LAST = """
Abadi Abebe Adeyemi Aguilar Ahmadi Akhtar Albrecht Almeida Alvarez Amari Andersen Antonescu Aoki Arslan Asante Aydin
Bakker Balogun Banerjee Baptiste Barbieri Bauer Becker Benali Bergman Bianchi Blanchard Boateng Bondarenko Borges
Bose Brandt Braun Cabrera Calderon Campos Caruso Castillo Chandra Chaudhry Chen Cho Clarke Cohen Colombo Conti Costa
Cruz Dahl Danso Das Davies Delgado Demir Desai Diallo Dias Dietrich Dubois Dumont Duran Dvorak Eberhardt Edwards
Ekstrom Elmasry Engel Eriksen Esposito Fabre Farouk Faulkner Fernandes Ferrari Fischer Fontaine Forsberg Fournier
Franco Fujita Gallo Garcia Gauthier Gebre Georgiou Ghosh Gomes Gonzalez Grant Greco Gruber Guerrero Gunnarsson Gupta
Haddad Hagen Halvorsen Hamidi Hansen Hartmann Hashimoto Hassani Hayashi Heikkinen Hernandez Hoang Hoffmann Holm Horvat
Huang Hughes Ibarra Ikeda Ionescu Ishikawa Ivanova Jain Jankowski Jansen Jensen Jimenez Johansson Kaplan Karimi Kato
Kaya Keller Khalil Kim Kimura Koch Kovac Kowalski Krause Kumar Laine Lambert Larsen Laurent Lehmann Leroy Lindqvist
Lombardi Lopez Lund Maier Malik Mancini Marino Marquez Martins Matsuda Mbeki Medina Mehta Meier Mendes Menon Meyer
Mishra Molina Morales Moreau Moretti Mwangi Nagy Nakamura Navarro Ndiaye Nguyen Nielsen Novak Nowak Nunez Obi Ochoa
Okafor Olsen Ortega Osei Ozturk Park Patel Pavlova Peeters Perez Petrov Pham Pinto Popescu Quintero Rahman Ramos Rao
Reyes Ricci Richter Rinaldi Rivera Romano Rossi Roux Sahin Saito Salazar Santos Sato Schneider Schulz Serrano Shah
Sharma Silva Singh Soto Suzuki Takeda Tanaka Tran Vargas Vogel Weber Yamada Zhou
""".split()


def person(rng: random.Random, split: Split, taken: Collection[str] = ()) -> str:
    """Draw a first and a last name; `taken` holds full names of which no part becomes a first name, nor the reverse."""
    firsts = {name.split()[0] for name in taken}
    parts = {part for name in taken for part in name.split()}
    while True:
        drawn = of_split(rng, split, _full_name)
        first, last = drawn.split()
        if first not in parts and last not in firsts:
            return drawn


def _full_name(rng: random.Random) -> str:
    return f"{rng.choice(FIRST)} {rng.choice(LAST)}"
